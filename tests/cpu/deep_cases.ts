/** Products at the edges of the blocks of the CPU device, which are larger than other devices' tiles. */
import { batchedMatmulOp, matmulOp } from "../../kernels/matmul/mod.ts";
import type { Case, Op, Spec } from "../../src/graph/types.ts";

const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });

/**
 * [m, k, n]: depths beyond 256 and 512, columns beyond 480, rows beyond 96, few rows, and rows from
 * which on a transposed A is packed.
 */
const SIZES = [
  [7, 257, 9],
  [13, 513, 17],
  [100, 300, 20],
  [5, 30, 481],
  [99, 20, 500],
  [1, 700, 33],
  [2, 40, 35],
  [3, 5, 97],
  [6, 9, 15],
  [515, 17, 53],
] as const;

/** Cases of products, plain, transposed, accumulating, and batched. */
export const DEEP: readonly { readonly op: Op; readonly test: Case }[] = SIZES.flatMap(
  ([m, k, n]) =>
    [[false, false], [true, false], [false, true], [true, true]].flatMap(([ta, tb]) => {
      const inputs = [ta ? f32(k, m) : f32(m, k), tb ? f32(n, k) : f32(k, n)];
      const test = (given: readonly Spec[], attrs: object): Case => ({
        kind: "ragged",
        inputs: given,
        attrs: { ta, tb, ...attrs },
      });
      const pairs = inputs.map(({ shape }) => f32(2, ...shape));
      return [
        { op: matmulOp, test: test(inputs, {}) },
        { op: matmulOp, test: test([...inputs, f32(m, n)], { onto: true }) },
        { op: batchedMatmulOp, test: test(pairs, {}) },
      ];
    }),
);
