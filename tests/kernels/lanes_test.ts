/**
 * Kernels that share loads across subgroup lanes against those that do not, op by op, so that the
 * suite's comparison with the references holds for both. Kernels that only share loads are bitwise
 * equal. Those that reduce a row over lanes, and heads whose width is no multiple of 4 (a driver may
 * drop terms that are known to be zero), agree within the tolerance of such sums. Products are tested
 * in matmul_lanes_test.ts.
 */
import { assert, assertEquals } from "@std/assert";
import { basesOf } from "../../kernels/attention/attention_attrs.ts";
import { attentionSizes } from "../../kernels/attention/attention_sizes.ts";
import { matmulOp } from "../../kernels/matmul/mod.ts";
import { OPS } from "../../kernels/mod.ts";
import { sizeOf } from "../../src/base/shape.ts";
import type { Device } from "../../src/device/types.ts";
import type { Case, Op, Target } from "../../src/graph/types.ts";
import { caseName, outputSlot, planOf, randomInputs } from "../../src/testing/cases.ts";
import { hasGpu, onGpu, sharedGpu } from "../support/gpu.ts";
import { tolerance } from "../../src/testing/tolerance.ts";

const gpu = sharedGpu();
/** A target to print kernels for where there is no adapter. */
const PLAIN: Target = { kind: "cpu", workgroupBytes: 32768, invocations: 256, groups: 65535 };
const { lanes, ...alone } = hasGpu() ? (await gpu()).target : PLAIN;
const together: Target = { ...alone, lanes: 8 };

/** The name of a test that runs lanes together: on adapters without them no kernel uses them. */
function withLanes(name: string): { name: string; ignore: boolean } {
  const test = onGpu(name);
  return { ...test, ignore: test.ignore || lanes !== 8 };
}

function kernelsOf(op: Op, { inputs, attrs }: Case, target: Target): string {
  const io = { inputs, outputs: op.shape(inputs, attrs) };
  return op.launch(io, attrs, target).map(({ wgsl }) => wgsl).join("\n");
}

/** Cases whose kernels use subgroup lanes on CPU drivers. */
function shared(op: Op): Case[] {
  const isShared = (test: Case) =>
    kernelsOf(op, test, { ...together, kind: "cpu" }).includes("subgroup");
  return op.cases.filter((test) => test.kind !== "bench" && isShared(test));
}

async function outputsOf(
  device: Device,
  op: Op,
  test: Case,
  target: Target,
): Promise<Uint32Array[]> {
  const memory = device.memory();
  const turned: Op = { ...op, launch: (io, attrs) => op.launch(io, attrs, target) };
  const program = await device.load(planOf(turned, test.inputs, test.attrs), memory);
  randomInputs(test).forEach(({ data }, i) => {
    memory.write(`x${i}`, data instanceof Float64Array ? Float32Array.from(data) : data);
  });
  program.run();
  const outputs = op.shape(test.inputs, test.attrs).map(({ shape }, k) =>
    memory.read([{ slot: outputSlot(op, test.attrs, k), offset: 0, length: sizeOf(shape) }])
  );
  return (await Promise.all(outputs)).map(({ buffer }) => new Uint32Array(buffer));
}

/** Whether both kernels compute each element as the same sum in the same order. */
function addsAlike({ name }: Op, { inputs, attrs }: Case): boolean {
  if (/^(layer_norm|rms_norm|(log_)?softmax)/.test(name)) return false;
  if (!name.startsWith("attention")) return true;
  const { width, valueWidth } = attentionSizes(inputs.slice(0, basesOf(attrs).length), attrs);
  return width % 4 === 0 && valueWidth % 4 === 0;
}

function assertClose(
  op: Op,
  { inputs, attrs }: Case,
  { got, want, name }: { got: Uint32Array; want: Uint32Array; name: string },
): void {
  const [a, b] = [got, want].map(({ buffer }) => new Float32Array(buffer)) as [
    Float32Array,
    Float32Array,
  ];
  const { terms } = op.cost({ inputs, outputs: op.shape(inputs, attrs) }, attrs);
  const bound = tolerance(terms, b.reduce((m, v) => Math.max(m, Math.abs(v)), 0));
  b.forEach((v, i) => {
    const error = Math.abs(v - (a[i] as number));
    assert(error <= bound, `${name} at ${i}: ${a[i]}, ${v}`);
  });
}

const OPS_BY_LANES = OPS.filter((op) => op !== matmulOp && !op.isExpanded && shared(op).length > 0);

Deno.test("subgroup lanes cooperate on CPU drivers only", () => {
  assertEquals(OPS_BY_LANES.map(({ name }) => name).sort(), [
    "attention",
    "attention_backward",
    "batched_matmul",
    "layer_norm",
    "layer_norm_backward",
    "log_softmax",
    "log_softmax_backward",
    "recurrence",
    "recurrence_backward",
    "rms_norm",
    "rms_norm_backward",
    "softmax",
    "softmax_backward",
  ]);
  for (const op of OPS_BY_LANES) {
    const tests = shared(op);
    assert(tests.length >= 8, `${op.name}: ${tests.length} cases are done by lanes`);
    for (const test of tests) {
      assert(!kernelsOf(op, test, { ...together, kind: "gpu" }).includes("subgroup"));
      assert(!kernelsOf(op, test, { ...alone, kind: "cpu" }).includes("subgroup"));
    }
  }
});

for (const op of OPS_BY_LANES) {
  Deno.test({
    ...withLanes(`${op.name}: lanes together give what lanes alone give`),
    fn: async () => {
      const device = await gpu();
      for (const test of shared(op)) {
        const got = await outputsOf(device, op, test, { ...together, kind: "cpu" });
        const want = await outputsOf(device, op, test, { ...alone, kind: "cpu" });
        want.forEach((bits, k) => {
          const name = `${caseName(op, test)} ${k}`;
          if (addsAlike(op, test)) assertEquals(got[k], bits, name);
          else assertClose(op, test, { got: got[k] as Uint32Array, want: bits, name });
        });
      }
    },
  });
}
