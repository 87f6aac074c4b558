/** Tensor shapes and sizes. */

/** Sizes of a tensor's axes, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

/** The axes of a weight matrix: [inputs, outputs], or [outputs, inputs]. */
export type MatrixAxes = "in_out" | "out_in";

/** The weight matrix of a hidden layer. */
export interface HiddenMatrix {
  /** Order of its axes. */
  readonly axes: MatrixAxes;
  /**
   * Numbers of outputs of the matrices that it consists of, as those of queries, keys and values;
   * default: it is one matrix.
   */
  readonly parts?: readonly number[];
}

/** Number of elements of a shape. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** `n` rounded up to a multiple of `step`. */
export function alignUp(n: number, step: number): number {
  return Math.ceil(n / step) * step;
}

/** Integer division rounded up. */
export function ceilDiv(n: number, d: number): number {
  return Math.ceil(n / d);
}

/** Whether two shapes are the same. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/** A shape for error messages and listings: `[4, 8]`. */
export function showShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}
