/** The gradient of a slice of the last axis: zeros outside the slice. */
import { sliceLastOp } from "../../../kernels/shape/mod.ts";
import { checkVjp } from "../../support/graph/differences.ts";

for (const [first, count] of [[0, 7], [0, 2], [2, 4], [6, 1]] as const) {
  Deno.test(`the vjp of slice_last of ${count} columns from ${first} on matches differences`, async () => {
    const x = { shape: [2, 3, 7], dtype: "f32" } as const;
    await checkVjp(sliceLastOp, { kind: "ragged", inputs: [x], attrs: { first, count } });
  });
}
