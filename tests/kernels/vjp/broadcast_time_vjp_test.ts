/** Broadcast over time, and its gradient. */
import { assertEquals } from "@std/assert";
import { broadcastTimeOp } from "../../../kernels/shape/mod.ts";
import { checkVjp } from "../../support/graph/differences.ts";

for (const kind of ["last", "mean"] as const) {
  for (const time of [1, 5]) {
    Deno.test(`the vjp of broadcast_time ${kind} over ${time} steps matches differences`, async () => {
      const inputs = [{ shape: [3, 4], dtype: "f32" as const }];
      await checkVjp(broadcastTimeOp, { kind: "ragged", inputs, attrs: { time, kind } });
    });
  }
}

Deno.test("broadcast_time writes x to the last step, or x / T to every step", () => {
  const x = { shape: [2, 1], dtype: "f32", data: Float32Array.of(2, 4) } as const;
  const y = { shape: [2, 2, 1], dtype: "f32", data: new Float32Array(4).fill(7) } as const;
  broadcastTimeOp.reference({ inputs: [x], outputs: [y] }, { time: 2, kind: "last" });
  assertEquals(y.data, Float32Array.of(0, 2, 0, 4));
  broadcastTimeOp.reference({ inputs: [x], outputs: [y] }, { time: 2, kind: "mean" });
  assertEquals(y.data, Float32Array.of(1, 1, 2, 2));
});
