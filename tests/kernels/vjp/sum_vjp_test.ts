/** The gradients of the sum and of the sum of squares. */
import { sumOp } from "../../../kernels/reduce/mod.ts";
import { checkVjp } from "../../support/graph/differences.ts";

Deno.test("the vjp of sum matches differences", async () => {
  for (const square of [false, true]) {
    const inputs = [{ shape: [3, 7, 5], dtype: "f32" as const }];
    await checkVjp(sumOp, { kind: "ragged", inputs, attrs: { square } });
  }
});
