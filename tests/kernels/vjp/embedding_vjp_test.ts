/** The gradient of an embedding's table: ids that repeat, and ids that are absent. */
import { assertEquals } from "@std/assert";
import { argsortOp, embeddingBackwardOp, embeddingOp } from "../../../kernels/embedding/mod.ts";
import type { Case } from "../../../src/graph/types.ts";
import { checkVjp } from "../../support/graph/differences.ts";

for (const [vocabulary, columns] of [[3, 4], [29, 5]] as const) {
  Deno.test(`the vjp of embedding [${vocabulary}, ${columns}] matches differences`, async () => {
    const test: Case = {
      kind: "ragged",
      inputs: [
        { shape: [vocabulary, columns], dtype: "f32" },
        { shape: [2, 7], dtype: "u32" },
      ],
      attrs: {},
      below: { 1: vocabulary },
    };
    await checkVjp(embeddingOp, test);
  });
}

Deno.test("the gradient of an embedding is 0 in rows of absent ids", () => {
  const ids = { shape: [4], dtype: "u32", data: Uint32Array.of(2, 0, 2, 0) } as const;
  const order = { shape: [4], dtype: "u32", data: new Uint32Array(4) } as const;
  argsortOp.reference({ inputs: [ids], outputs: [order] }, {});
  assertEquals(order.data, Uint32Array.of(1, 3, 0, 2));
  const dy = { shape: [4, 1], dtype: "f32", data: Float32Array.of(1, 2, 4, 8) } as const;
  const dtable = { shape: [4, 1], dtype: "f32", data: new Float32Array(4).fill(7) } as const;
  embeddingBackwardOp.reference({ inputs: [order, ids, dy], outputs: [dtable] }, { vocabulary: 4 });
  assertEquals(dtable.data, Float32Array.of(10, 0, 5, 0));
});
