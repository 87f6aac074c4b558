/** The gradient of padding the last axis. */
import { assertEquals } from "@std/assert";
import { padLastOp } from "../../../kernels/shape/mod.ts";
import { checkVjp } from "../../support/graph/differences.ts";

for (const [first, columns] of [[0, 3], [0, 8], [4, 8], [5, 8]] as const) {
  Deno.test(`the vjp of pad_last at ${first} of ${columns} matches differences`, async () => {
    const x = { shape: [2, 4, 3], dtype: "f32" } as const;
    await checkVjp(padLastOp, { kind: "ragged", inputs: [x], attrs: { first, columns } });
  });
}

Deno.test("pad_last overwrites reused memory with zeros", () => {
  const x = { shape: [2, 1], dtype: "f32", data: Float32Array.of(1, 2) } as const;
  const y = { shape: [2, 3], dtype: "f32", data: new Float32Array(6).fill(7) } as const;
  padLastOp.reference({ inputs: [x], outputs: [y] }, { first: 1, columns: 3 });
  assertEquals(y.data, Float32Array.of(0, 1, 0, 0, 2, 0));
});
