/** The contract of devices, as one suite that each implementation runs. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { pointwise, pointwiseOp } from "../../kernels/pointwise/mod.ts";
import type { Device, Memory } from "../../src/device/types.ts";
import type { Expr } from "../../src/graph/formula.ts";
import { add, formula, mask, mul } from "../../src/graph/formula.ts";
import { applyAll, newTrace } from "../../src/graph/trace.ts";
import type { Graph, Spec } from "../../src/graph/types.ts";
import { compile } from "../../src/plan/compile.ts";
import type { Plan } from "../../src/plan/types.ts";
import { onDevice } from "../support/gpu.ts";

const SPEC: Spec = { shape: [5], dtype: "f32" };
const TWICE_PLUS = formula(2, (x, c) => add(mul(x as Expr, 2), c as Expr));
const DROP = formula(2, (x, key) => mul(x as Expr, mask(key as Expr, 1, 0.5)));

/** y = 2 x + (1, 2, 3, 4, 5), then z = y with dropout by the mask of `key`. */
function somePlan(): Plan {
  const trace = newTrace();
  const x = trace.source(SPEC, "batch", "x");
  const key = trace.source({ shape: [2], dtype: "u32" }, "scalar", "key");
  const c = trace.constant([5], Float32Array.of(1, 2, 3, 4, 5));
  const y = pointwise(TWICE_PLUS, [x, c]);
  const z = pointwise(DROP, [y, key]);
  return compile(graphOf(trace, { y, z }), { fuse: false });
}

/** x = 3 x, in place. */
function updateInPlace(): Plan {
  const trace = newTrace();
  const x = trace.source(SPEC, "param", "x");
  const tripled = formula(1, (e) => mul(e as Expr, 3));
  applyAll(pointwiseOp, [x], { formula: tripled, donate: [0] });
  return compile(graphOf(trace, {}));
}

function graphOf({ calls, constants }: ReturnType<typeof newTrace>, results: Graph["results"]) {
  return { calls, constants, results };
}

const whole = (slot: string, length: number) => [{ slot, offset: 0, length }];

/** Registers the suite for a device; `others` opens devices of other kinds, by name. */
export function deviceContract(
  name: string,
  open: () => Promise<Device>,
  others: Readonly<Record<string, () => Promise<Device>>>,
): void {
  const test = (what: string, body: (device: Device, memory: Memory) => Promise<void>) =>
    Deno.test(onDevice(`${name} ${what}`, `${name}: ${what}`), async () => {
      const device = await open();
      try {
        await body(device, device.memory());
      } finally {
        device.close();
      }
    });

  test("slots begin as zeros, and are made once", async (_, memory) => {
    memory.ensure("a", 4);
    assertEquals([...await memory.read(whole("a", 4))], [0, 0, 0, 0]);
    memory.write("a", Float32Array.of(1, 2, 3, 4));
    memory.ensure("a", 4);
    memory.ensure("a", 2);
    assertEquals([...await memory.read(whole("a", 4))], [1, 2, 3, 4]);
    assertThrows(() => memory.ensure("a", 5), RangeError, "Cannot grow slot a");
  });

  test("stretches are written where told, and read one behind the other", async (_, memory) => {
    memory.ensure("a", 8);
    memory.ensure("b", 3);
    memory.write("a", Float32Array.of(1.5, -2, 2 ** -126), 5);
    memory.write("b", Float32Array.of(7, 8, 9));
    const read = await memory.read([
      { slot: "a", offset: 4, length: 3 },
      { slot: "b", offset: 1, length: 2 },
      { slot: "a", offset: 7, length: 1 },
    ]);
    assertEquals([...read], [0, 1.5, -2, 8, 9, 2 ** -126]);
  });

  test(
    "a read into an array writes all of it and no more, and refuses one of another length",
    async (_, memory) => {
      memory.ensure("a", 3);
      memory.write("a", Float32Array.of(1, 2, 3));
      const whole = new Float32Array(5).fill(-1);
      const into = whole.subarray(1, 4);
      assertEquals(await memory.read([{ slot: "a", offset: 0, length: 3 }], into), into);
      assertEquals([...whole], [-1, 1, 2, 3, -1]);
      const short = { slot: "a", offset: 0, length: 2 };
      await assertRejects(async () => await memory.read([short], into), RangeError, "2 elements");
    },
  );

  test("a read is of its moment, whatever is written after it", async (_, memory) => {
    memory.ensure("a", 2);
    const reads: Promise<Float32Array>[] = [];
    for (let i = 0; i < 5; i++) {
      memory.write("a", Float32Array.of(i, -i));
      reads.push(memory.read(whole("a", 2)));
    }
    const values = await Promise.all(reads);
    assertEquals(values.map(([a, b]) => [a, b === 0 ? 0 : b]), [
      [0, 0],
      [1, -1],
      [2, -2],
      [3, -3],
      [4, -4],
    ]);
    memory.write("a", Float32Array.of(9, 9));
    assertEquals(values[4]?.[0], 4);
  });

  test("copies take the first elements, and leave the rest", async (_, memory) => {
    memory.ensure("a", 3);
    memory.ensure("b", 4);
    memory.write("a", Float32Array.of(1, 2, 3));
    memory.write("b", Float32Array.of(9, 9, 9, 9));
    memory.copy("a", "b", 2);
    assertEquals([...await memory.read(whole("b", 4))], [1, 2, 9, 9]);
  });

  test("slots that were never made are refused by name", async (_, memory) => {
    memory.ensure("a", 1);
    assertThrows(() => memory.write("no", new Float32Array(1)), RangeError, "slot no");
    assertThrows(() => memory.copy("a", "no", 1), RangeError, "slot no");
    assertThrows(() => memory.copy("no", "a", 1), RangeError, "slot no");
    await assertRejects(async () => await memory.read(whole("no", 1)), RangeError, "slot no");
    assertEquals([...await memory.read(whole("a", 1))], [0]);
  });

  test("two memories of one device share nothing", async (device, memory) => {
    const other = device.memory();
    memory.ensure("a", 1);
    memory.write("a", Float32Array.of(1));
    assertThrows(() => other.write("a", new Float32Array(1)), RangeError, "slot a");
    other.ensure("a", 1);
    assertEquals([...await other.read(whole("a", 1))], [0]);
  });

  test(
    "a plan computes from its sources and constants, again at each run",
    async (device, memory) => {
      const program = await device.load(somePlan(), memory);
      const key = Uint32Array.of(0x9000_0001, 0xffff_fffe);
      memory.write("key", key);
      for (const scale of [1, -3]) {
        const x = [0, 1, 2, 3, 4].map((v) => v * scale);
        memory.write("x", Float32Array.from(x));
        program.run();
        const y = x.map((v, i) => 2 * v + i + 1);
        assertEquals([...await memory.read(whole("y", 5))], y);
        const z = await memory.read(whole("z", 5));
        assert(z.every((v, i) => v === 0 || v === y[i]), `${z}`);
      }
      const bits = await memory.read(whole("key", 2));
      assertEquals([...new Uint32Array(bits.buffer, bits.byteOffset, 2)], [...key]);
    },
  );

  test("an update in place counts each run", async (device, memory) => {
    const program = await device.load(updateInPlace(), memory);
    memory.write("x", Float32Array.of(1, 2, 3, 4, 5));
    program.run();
    program.run();
    assertEquals([...await memory.read(whole("x", 5))], [9, 18, 27, 36, 45]);
  });

  test("plans share slots by name, whichever is loaded first", async (device, memory) => {
    const update = await device.load(updateInPlace(), memory);
    const forward = await device.load(somePlan(), memory);
    memory.write("x", Float32Array.of(1, 0, 0, 0, 0));
    update.run();
    forward.run();
    assertEquals([...await memory.read(whole("y", 5))], [7, 2, 3, 4, 5]);
  });

  test("a slot that is too small for a plan is refused", async (device, memory) => {
    memory.ensure("x", 4);
    await assertRejects(
      async () => await device.load(somePlan(), memory),
      RangeError,
      "Cannot grow slot x",
    );
  });

  for (const [other, openOther] of Object.entries(others)) {
    test(`memory of another device is refused: ${other}`, async (device) => {
      const foreign = await openOther();
      await assertRejects(
        async () => await device.load(somePlan(), foreign.memory()),
        TypeError,
        "memory of another device",
      );
      foreign.close();
    });
  }

  test("a device tells its name and its limits", (device) => {
    assert(device.name.length > 0);
    assert(device.bindingBytes >= 128 * 2 ** 20);
    assert(["cpu", "gpu"].includes(device.target.kind));
    assert(device.target.invocations >= 128 && device.target.groups >= 65535);
    return Promise.resolve();
  });
}
