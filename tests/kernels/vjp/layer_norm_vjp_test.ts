/** The gradients of layer normalisation, and what has none. */
import { assertThrows } from "@std/assert";
import { layerNormOp } from "../../../kernels/layer_norm/mod.ts";
import { gradients } from "../../../src/graph/reverse.ts";
import { applyAll, newTrace } from "../../../src/graph/trace.ts";
import type { Case, Spec } from "../../../src/graph/types.ts";
import { checkVjp } from "../../support/graph/differences.ts";

const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });

for (const shape of [[4, 8], [2, 3, 7], [5, 33]]) {
  Deno.test(`the vjp of layer_norm over [${shape}] matches differences`, async () => {
    const columns = shape.at(-1) as number;
    const test: Case = {
      kind: "ragged",
      inputs: [f32(...shape), f32(columns), f32(columns)],
      attrs: { eps: 1e-5 },
    };
    await checkVjp(layerNormOp, test);
  });
}

Deno.test("layer_norm refuses a gradient of its statistics", () => {
  const trace = newTrace();
  const inputs = [f32(1, 8), f32(8), f32(8)].map((spec) => trace.source(spec, "batch"));
  const mean = applyAll(layerNormOp, inputs, { eps: 1e-5 })[1];
  const seed = trace.constant([1], Float32Array.of(1));
  assertThrows(
    () => mean && gradients(mean, inputs, { seed, add: (a) => a }),
    RangeError,
    "layer_norm",
  );
});
