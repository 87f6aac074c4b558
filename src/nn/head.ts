/**
 * Output layers, which compute each row of logits from one row of x, so that a loss can compute
 * logits in chunks of rows. R rows, D width, K classes.
 */
import { matmul } from "../../kernels/matmul/mod.ts";
import { slice } from "../../kernels/shape/mod.ts";
import type { Tensor } from "../graph/types.ts";
import { linearOf, plus, scaled, type Table, tableOf } from "./layers.ts";
import type { Scope } from "./scope.ts";

/** An output layer. */
export interface Head {
  /** Input of the layer: [..., D]. */
  readonly x: Tensor;
  /** Its other inputs: the matrix, a bias. */
  readonly weights: readonly Tensor[];
  /** K */
  readonly classes: number;
  /** Traces logits [..., K] of rows of x [..., D]. */
  readonly logits: (rows: Tensor) => Tensor;
}

/** x W + b, times `factor`, with parameters `weight` [D, K] and `bias` as of `linear`. */
export function outputHead(
  scope: Scope,
  x: Tensor,
  { classes, bias = true, factor = 1 }: { classes: number; bias?: boolean; factor?: number },
): Head {
  const { weight, bias: shift } = linearOf(scope, x, { width: classes, bias, hidden: false });
  return {
    x,
    weights: shift === undefined ? [weight] : [weight, shift],
    classes,
    logits(rows) {
      const product = matmul(rows, weight);
      return scaled(shift === undefined ? product : plus(product, shift), factor);
    },
  };
}

/**
 * Logits by the transposed token embedding [K, D] (weight tying), times `factor`; `bias` [K] is
 * added before.
 */
export function tiedHead(
  scope: Scope,
  x: Tensor,
  { factor = 1, bias, ...sizes }: Table & {
    readonly factor?: number;
    readonly bias?: Tensor | undefined;
  },
): Head {
  const weight = tableOf(scope, sizes);
  return {
    x,
    weights: bias === undefined ? [weight] : [weight, bias],
    classes: sizes.vocabulary,
    logits(rows) {
      const product = matmul(rows, weight, { tb: true });
      return scaled(bias === undefined ? product : plus(product, bias), factor);
    },
  };
}

/** A range of rows. */
export interface HeadRows {
  readonly first: number;
  readonly count: number;
}

/** A range of rows of x [..., D]: [count, D]. */
export function headRowsOf(x: Tensor, { first, count }: HeadRows): Tensor {
  const width = x.shape.at(-1) as number;
  return slice(x, { first: first * width, shape: [count, width] });
}

/**
 * Splits `rows` rows into the fewest chunks of at most `most` rows; into equal chunks, if that
 * takes less than twice as many.
 */
export function cutRows(rows: number, most: number): HeadRows[] {
  const least = Math.ceil(rows / Math.max(1, most));
  let parts = least;
  while (rows % parts !== 0 && parts < 2 * least) parts++;
  if (rows % parts !== 0) parts = least;
  const count = Math.ceil(rows / parts);
  return Array.from({ length: parts }, (_, i) => ({
    first: i * count,
    count: Math.min(count, rows - i * count),
  })).filter((part) => part.count > 0);
}
