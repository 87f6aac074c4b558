/** Pooling over time, and its gradient. */
import { assertEquals } from "@std/assert";
import { poolTimeOp } from "../../../kernels/shape/mod.ts";
import { checkVjp } from "../../support/graph/differences.ts";

for (const kind of ["last", "mean"] as const) {
  for (const shape of [[2, 1, 3], [3, 5, 4]]) {
    Deno.test(`the vjp of pool_time ${kind} of [${shape}] matches differences`, async () => {
      const inputs = [{ shape, dtype: "f32" as const }];
      await checkVjp(poolTimeOp, { kind: "ragged", inputs, attrs: { kind } });
    });
  }
}

Deno.test("pool_time returns the last step of each window, or the mean", () => {
  const data = Float32Array.of(1, 2, 3, 6, 10, 20, 30, 60);
  const x = { shape: [2, 2, 2], dtype: "f32", data } as const;
  const y = { shape: [2, 2], dtype: "f32", data: new Float32Array(4).fill(7) } as const;
  poolTimeOp.reference({ inputs: [x], outputs: [y] }, { kind: "last" });
  assertEquals(y.data, Float32Array.of(3, 6, 30, 60));
  poolTimeOp.reference({ inputs: [x], outputs: [y] }, { kind: "mean" });
  assertEquals(y.data, Float32Array.of(2, 4, 20, 40));
});
