/**
 * What must hold in every plan, checked by running it over addresses alone. It knows no op: calls
 * are seen through their interface.
 */
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { sizeOf } from "../../../src/base/shape.ts";
import type { Call, Launch, Target } from "../../../src/graph/types.ts";
import type { Plan, Region } from "../../../src/plan/types.ts";

const TARGETS: readonly Target[] = [
  { kind: "cpu", workgroupBytes: 32768, invocations: 1024, groups: 65535 },
  { kind: "gpu", workgroupBytes: 16384, invocations: 256, groups: 65535 },
];
/** Bindings that every adapter grants. */
const MOST_BINDINGS = 8;
/** Elements of 4 bytes between offsets at which a binding may start. */
const ALIGNMENT = 64;

const ACCESS = /@group\(0\) @binding\((\d+)\) var<storage, (read|read_write)>/g;

/** Asserts all laws. */
export function checkPlan(plan: Plan): void {
  for (const call of plan.calls) {
    [...call.inputs, ...call.outputs].forEach((region) => checkRegion(plan, region));
    checkSlots(plan, call);
    for (const target of TARGETS) {
      for (const launch of call.op.launch(call, call.attrs, target)) {
        checkLaunch(call, launch);
      }
    }
  }
  checkLives(plan);
}

function checkRegion({ slots }: Plan, { slot, offset, shape, base }: Region): void {
  const { name, size } = slots[slot] ?? { name: "no slot", size: 0 };
  if (base !== undefined) {
    const same = base.slot === slot && base.offset === offset;
    assert(same && sizeOf(base.shape) === sizeOf(shape), `a view in ${name} is all of its base`);
  }
  assert(offset >= 0 && offset + sizeOf(shape) <= size, `a region lies inside ${name}`);
  assertEquals(offset % ALIGNMENT, 0, `a region of ${name} starts at a multiple of 256 bytes`);
}

/** A call reads and writes one slot only where an output takes the place of an input. */
function checkSlots({ slots }: Plan, { op, attrs, inputs, outputs }: Call<Region>): void {
  const donated = op.donate?.(attrs) ?? [];
  outputs.forEach((output, k) => {
    const from = donated[k];
    inputs.forEach((input, i) => {
      if (i === from) {
        assertEquals(
          [input.slot, input.offset],
          [output.slot, output.offset],
          `${op.name} donates`,
        );
        return;
      }
      const taken = input.slot === output.slot;
      assert(!taken, `${op.name} reads and writes ${slots[output.slot]?.name}`);
    });
  });
}

/** No launch binds more than it may, nor one buffer for reading and for writing. */
function checkLaunch({ op, inputs, outputs }: Call<Region>, { wgsl, bindings }: Launch): void {
  assertLessOrEqual(bindings.length, MOST_BINDINGS, `${op.name} binds ${bindings.length} buffers`);
  const access = new Map([...wgsl.matchAll(ACCESS)].map(([, at, how]) => [Number(at), how]));
  const slots = (how: string) =>
    bindings.flatMap((b, at) => {
      const region = "input" in b ? inputs[b.input] : outputs[b.output];
      return access.get(at) === how && region !== undefined ? [region.slot] : [];
    });
  const written = slots("read_write");
  for (const binding of bindings) {
    const region = "input" in binding ? inputs[binding.input] : outputs[binding.output];
    const { offset = 0, length = sizeOf(region?.shape ?? []) - offset } = binding;
    assertEquals(offset % ALIGNMENT, 0, `a part that ${op.name} binds starts at 256 bytes`);
    assert(length > 0 && offset + length <= sizeOf(region?.shape ?? []), `${op.name} binds a part`);
  }
  assert(written.length > 0, `${op.name} writes something`);
  assert(!slots("read").some((s) => written.includes(s)), `${op.name} binds a buffer twice`);
}

/**
 * Every input is written before it is read and not overwritten in between, sources and results
 * keep their places to the end.
 */
function checkLives(plan: Plan): void {
  const made = new Set(plan.calls.flatMap(({ outputs }) => outputs));
  const named = new Set(Object.values(plan.named));
  const alive = new Set<Region>([...named].filter((region) => !made.has(region)));
  plan.constants.forEach(({ region }) => alive.add(region));
  for (const { op, attrs, inputs, outputs } of plan.calls) {
    for (const input of inputs) {
      assert(
        alive.has(input.base ?? input),
        `an input of ${op.name} is what was written last at its place`,
      );
    }
    const donated = op.donate?.(attrs) ?? [];
    outputs.forEach((output, k) => {
      const from = donated[k];
      for (const other of [...alive]) {
        if (!overlap(output, other)) continue;
        const ours = from !== undefined && other === inputs[from];
        assert(ours || !named.has(other), `${op.name} overwrites a named place`);
        alive.delete(other);
      }
      alive.add(output);
    });
  }
  const read = new Set(plan.calls.flatMap(({ inputs }) => inputs.map((t) => t.base ?? t)));
  for (const [name, region] of Object.entries(plan.named)) {
    assert(read.has(region) || made.has(region), `${name} is made or read`);
    const kept = alive.has(region) || [...alive].some((other) => samePlace(other, region));
    assert(kept, `${name} lies in its place at the end`);
  }
}

function overlap(a: Region, b: Region): boolean {
  return a.slot === b.slot && a.offset < b.offset + sizeOf(b.shape) &&
    b.offset < a.offset + sizeOf(a.shape);
}

function samePlace(a: Region, b: Region): boolean {
  return a.slot === b.slot && a.offset === b.offset && sizeOf(a.shape) === sizeOf(b.shape);
}
