/** The common parts of ops that reduce each row to one value: x [..., D] -> [..., 1]. */
import type { Op, Spec } from "../../src/graph/types.ts";
import { rowKernel } from "../emit/rows.ts";
import { rowReductionKernel, type VectorReduction } from "./row_wasm.ts";
import { rowSizes, rowValue } from "./row_sizes.ts";

/** How a row is reduced. */
export interface RowReduction {
  /** Name of the op. */
  readonly name: string;
  /** The kernel, behind the prelude of `rowKernel`. */
  readonly wgsl: string;
  /** The operation on four elements at a time. */
  readonly vectors: VectorReduction;
  /** The value of no element. */
  readonly first: number;
  /** The value with one more element. */
  readonly next: (value: number, element: number) => number;
  /** Terms of the longest sum in a row of `columns` elements. */
  readonly terms: (columns: number) => number;
}

/** Shape rule, launch, reference and cost of a reduction. */
export function rowReduction(
  { name, wgsl, vectors, first, next, terms }: RowReduction,
): Pick<Op, "name" | "shape" | "launch" | "wasm" | "reference" | "cost"> {
  return {
    name,
    shape: ([x]) => [rowValue(x, name)],
    launch({ inputs: [x] }, _, target) {
      const { rows, columns } = rowSizes(x as Spec);
      const { prelude, groups } = rowKernel(rows, columns, target);
      return [{ wgsl: prelude + wgsl, bindings: [{ input: 0 }, { output: 0 }], groups }];
    },
    wasm: ({ inputs: [x] }) => rowReductionKernel(rowSizes(x as Spec), vectors),
    reference({ inputs: [x], outputs: [y] }) {
      if (!x || !y) return;
      const { rows, columns } = rowSizes(x);
      for (let row = 0; row < rows; row++) {
        let value = first;
        for (let c = 0; c < columns; c++) value = next(value, x.data[row * columns + c] as number);
        y.data[row] = value;
      }
    },
    cost({ inputs: [x] }) {
      const { rows, columns } = rowSizes(x as Spec);
      return { flops: rows * columns, bytes: 4 * rows * (columns + 1), terms: terms(columns) };
    },
  };
}
