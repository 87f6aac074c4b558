/** The gradients of the matrix product, with and without transposes. */
import { matmulOp } from "../../../kernels/matmul/mod.ts";
import type { Case, Spec } from "../../../src/graph/types.ts";
import { checkVjp } from "../../support/graph/differences.ts";

const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });

for (const ta of [false, true]) {
  for (const tb of [false, true]) {
    Deno.test(`the vjp of matmul with ta=${ta}, tb=${tb} matches differences`, async () => {
      const inputs = [ta ? f32(5, 3) : f32(3, 5), tb ? f32(4, 5) : f32(5, 4)];
      const test: Case = { kind: "ragged", inputs, attrs: { ta, tb } };
      await checkVjp(matmulOp, test);
    });
  }
}

for (const tb of [false, true]) {
  Deno.test(`the vjp of matmul over leading axes with tb=${tb} matches differences`, async () => {
    const inputs = [f32(2, 3, 5), tb ? f32(4, 5) : f32(5, 4)];
    await checkVjp(matmulOp, { kind: "ragged", inputs, attrs: { tb } });
  });
}
