/** The gradient of a sum over rows: its own gradient, in each row. */
import { columnSum } from "../../kernels/column_sum.ts";
import { checkVjp } from "../support/differences.ts";

Deno.test("the vjp of column_sum matches differences", async () => {
  for (const columns of [[5], [3, 5]]) {
    const inputs = [{ shape: [4, 3, 5], dtype: "f32" as const }];
    await checkVjp(columnSum, { kind: "ragged", inputs, attrs: { columns } });
  }
});
