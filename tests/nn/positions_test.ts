/** Rotary positions as a layer: tables that layers share; decoding is tested in attention_test.ts. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { headsOf } from "../../kernels/attention/mod.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Tensor } from "../../src/graph/types.ts";
import { rotaryPositions } from "../../src/nn/positions.ts";
import { newScope } from "../../src/nn/scope.ts";

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
