/**
 * Views of attention heads in the columns of a tensor, so that packed and separate projections need
 * no copies. B batch, n tokens, W columns, d width of a head.
 */
import { showShape } from "../../src/base/shape.ts";
import type { Spec, Tensor } from "../../src/graph/types.ts";

/** The columns of adjacent heads: head h of a token is [first + h width, first + (h + 1) width). */
export interface HeadColumns {
  /** First column of head 0. */
  readonly first: number;
  /** Number of heads. */
  readonly heads: number;
  /** Columns per head. */
  readonly width: number;
}

/** Heads of the tokens of a tensor. */
export interface Heads extends HeadColumns {
  /** f32 [B, n, W] */
  readonly of: Tensor;
}

/**
 * A view of `heads` heads in the columns of x f32 [B, n, W] from `first` on, which defaults to 0.
 * `width` of a head defaults to an equal share of the columns that are left.
 * @throws {RangeError} when x is not f32 [B, n, W], or the heads exceed its columns.
 */
export function headsOf(
  x: Tensor,
  { heads, first = 0, width }: { heads: number; first?: number; width?: number },
): Heads {
  const columns = { first, heads, width: width ?? ((x.shape.at(-1) ?? 0) - first) / heads };
  requireHeads("attend", x, columns);
  return { of: x, ...columns };
}

/**
 * Queries, keys and values of qkv f32 [B, n, 3D], concatenated along its last axis, with `heads`
 * heads each.
 * @throws {RangeError} unless the last axis is a multiple of 3 x `heads`.
 */
export function packedHeads(qkv: Tensor, heads: number): { q: Heads; k: Heads; v: Heads } {
  const packed = qkv.shape.at(-1) ?? 0;
  if (!Number.isInteger(heads) || heads < 1 || packed % (3 * heads) !== 0) {
    throw new RangeError(
      `Cannot attend with ${heads} heads: the last axis of qkv must be a multiple of 3 x heads: ` +
        showShape(qkv.shape),
    );
  }
  const width = packed / (3 * heads);
  const part = (index: number) => headsOf(qkv, { heads, first: index * heads * width, width });
  return { q: part(0), k: part(1), v: part(2) };
}

/**
 * Checks that x holds the heads; `action` starts the message.
 * @throws {RangeError} when x is not f32 [B, n, W], or the heads exceed its columns.
 */
export function requireHeads(
  action: string,
  x: Spec | undefined,
  { first, heads, width }: HeadColumns,
): void {
  const { shape = [], dtype } = x ?? {};
  if (shape.length !== 3 || dtype !== "f32" || shape.some((size) => size < 1)) {
    throw new RangeError(
      `Cannot ${action}: heads must be columns of f32 [B, n, W]: ${dtype} ${showShape(shape)}`,
    );
  }
  const isCount = (n: number, least: number) => Number.isInteger(n) && n >= least;
  const columns = shape[2] as number;
  if (
    isCount(first, 0) && isCount(heads, 1) && isCount(width, 1) && first + heads * width <= columns
  ) return;
  throw new RangeError(
    `Cannot ${action}: ${heads} heads of ${width} columns from column ${first} on exceed ` +
      `${columns} columns, or are not whole: ${showShape(shape)}`,
  );
}
