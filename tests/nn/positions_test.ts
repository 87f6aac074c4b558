/** Rotary positions as a layer: shared tables, and positions of the new tokens when decoding. */
import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { headsOf } from "../../kernels/attention/mod.ts";
import { rootKey, uniforms } from "../../src/base/random.ts";
import { openReference } from "../../src/device/reference.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Tensor } from "../../src/graph/types.ts";
import { attend } from "../../src/nn/layers.ts";
import { rotaryPositions } from "../../src/nn/positions.ts";
import { newScope } from "../../src/nn/scope.ts";
import { compile } from "../../src/plan/compile.ts";

const [TIME, HEADS, WIDTH] = [12, 2, 4];
const COLUMNS = 3 * HEADS * WIDTH;
const VALUES = uniforms(rootKey(4), TIME * COLUMNS, [-1, 1]);

/** Traces attention of `count` packed rows with rotated queries and keys. */
function traced(count: number, decode?: { context: number }) {
  const trace = newTrace();
  const { scope } = newScope(trace, { training: false, ...decode && { decode } });
  const qkv = trace.source({ shape: [1, count, COLUMNS], dtype: "f32" }, "batch", "qkv");
  const rotate = rotaryPositions(scope, { rotated: WIDTH });
  const turned = rotate(headsOf(qkv, { heads: 2 * HEADS, width: WIDTH }));
  const y = attend(scope, turned, { heads: HEADS, dropout: 0 });
  return { trace, y };
}

async function opened(count: number, decode?: { context: number }) {
  const { trace: { calls, constants }, y } = traced(count, decode);
  const device = openReference();
  const memory = device.memory();
  const program = await device.load(compile({ calls, constants, results: { y } }), memory);
  return async (rows: Float32Array, first: number): Promise<Float32Array> => {
    memory.write("qkv", rows);
    if (decode !== undefined) {
      memory.write("places", Uint32Array.from({ length: count }, (_, i) => first + i));
    }
    program.run();
    return await memory.read([{ slot: "y", offset: 0, length: count * HEADS * WIDTH }]);
  };
}

Deno.test("rotated tokens that are decoded in portions give what the whole window gives", async () => {
  const whole = await opened(TIME);
  const want = await whole(VALUES, 0);
  for (const count of [1, 3, 4]) {
    const portion = await opened(count, { context: TIME + 3 });
    for (let first = 0; first < TIME; first += count) {
      const got = await portion(VALUES.slice(first * COLUMNS, (first + count) * COLUMNS), first);
      got.forEach((v, i) => {
        assertLess(Math.abs(v - (want[first * HEADS * WIDTH + i] as number)), 1e-6, `${count}`);
      });
    }
  }
});

Deno.test("the layers of a model share the tables of a rotation", () => {
  const trace = newTrace();
  const { scope } = newScope(trace, { training: true });
  const x = trace.source({ shape: [2, 5, 8], dtype: "f32" }, "batch", "x");
  const y = trace.source({ shape: [2, 7, 8], dtype: "f32" }, "batch", "y");
  const rotate = rotaryPositions(scope, { rotated: 4, pairing: "interleaved" });
  const inputsOf = (from: Tensor, heads: number) => {
    const turned = rotate(headsOf(from, { heads }));
    return trace.calls.find(({ outputs }) => outputs.includes(turned))?.inputs.slice(1);
  };
  const tables = inputsOf(x, 2);
  assertEquals(inputsOf(x, 1), tables);
  assert(inputsOf(y, 2)?.[0] !== tables?.[0], "another time has tables of its own");
  assertEquals(trace.constants.map(({ tensor }) => tensor.shape), [[5, 2], [5, 2], [7, 2], [7, 2]]);
  assertThrows(() => rotate(headsOf(x, { heads: 4 })), RangeError, "r at most 2");
});

Deno.test("a rotation of odd columns is refused before any layer", () => {
  const { scope } = newScope(newTrace(), { training: true });
  assertThrows(() => rotaryPositions(scope, { rotated: 3 }), RangeError, "even and above 0: 3");
});
