/** The gradients of the product by groups, with and without transposed matrices. */
import { groupedMatmulOp } from "../../../kernels/routing/mod.ts";
import type { Case, Spec } from "../../../src/graph/types.ts";
import { checkVjp } from "../../support/graph/differences.ts";

const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });

for (const tb of [false, true]) {
  Deno.test(`the vjp of grouped_matmul with tb=${tb} matches differences`, async () => {
    const test: Case = {
      kind: "ragged",
      inputs: [f32(8, 3), tb ? f32(3, 5, 3) : f32(3, 3, 5), { shape: [4], dtype: "u32" }],
      attrs: { tb },
      below: { 2: 3 },
      // A group without tiles, and one with two.
      fill: ([, , groups]) => groups?.data.set([0, 2, 2, 2]),
    };
    await checkVjp(groupedMatmulOp, test);
  });
}
