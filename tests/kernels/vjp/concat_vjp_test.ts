/** The gradients of concatenation. */
import { concatOp } from "../../../kernels/shape/mod.ts";
import type { Spec } from "../../../src/graph/types.ts";
import { checkVjp } from "../../support/graph/differences.ts";

const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });

for (const [a, b] of [[f32(3, 4), f32(3, 8)], [f32(2, 3, 5), f32(2, 3, 1)]] as const) {
  Deno.test(`the vjp of concat [${a.shape}] [${b.shape}] matches differences`, async () => {
    await checkVjp(concatOp, { kind: "ragged", inputs: [a, b], attrs: {} });
  });
}
