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

/** Queries, keys and values. */
export interface HeadTriple {
  /** H heads of queries, of d columns each. */
  readonly q: Heads;
  /** Hkv heads of keys, of d columns each. */
  readonly k: Heads;
  /** Hkv heads of values, of Dv columns each. */
  readonly v: Heads;
}

/**
 * Queries, keys and values of qkv f32 [B, n, (H + 2 Hkv) d], concatenated along its last axis: `heads`
 * heads of queries, `kvHeads` heads of keys and of values (default: as many).
 * @throws {RangeError} unless the last axis is a multiple of `heads` + 2 x `kvHeads`.
 */
export function packedHeads(
  qkv: Tensor,
  heads: number,
  { kvHeads = heads }: { kvHeads?: number } = {},
): HeadTriple {
  const packed = qkv.shape.at(-1) ?? 0;
  const all = heads + 2 * kvHeads;
  const isCount = (n: number) => Number.isInteger(n) && n >= 1;
  if (!isCount(heads) || !isCount(kvHeads) || packed % all !== 0) {
    const [of, needs] = kvHeads === heads
      ? ["", "3 x heads"]
      : [`, and ${kvHeads} of keys and values`, "heads + 2 x heads of keys"];
    throw new RangeError(
      `Cannot attend with ${heads} heads${of}: the last axis of qkv must be a multiple of ` +
        `${needs}: ${showShape(qkv.shape)}`,
    );
  }
  const width = packed / all;
  return {
    q: headsOf(qkv, { heads, width }),
    k: headsOf(qkv, { heads: kvHeads, first: heads * width, width }),
    v: headsOf(qkv, { heads: kvHeads, first: (heads + kvHeads) * width, width }),
  };
}

/** The distinct tensors of q, k and v, and the attributes that say what they hold. */
export interface HeadLayout {
  readonly tensors: readonly Tensor[];
  readonly heads: number;
  /** Heads of keys and values, unless as many. */
  readonly kvHeads?: number;
  /** Parts of each tensor in the order of its columns, unless one holds q, k and v in this order. */
  readonly layout?: string;
  /** Width of a head of values, unless that of queries. */
  readonly valueWidth?: number;
}

/**
 * The tensors behind views of heads, and what each holds.
 * @throws {RangeError} when heads or widths do not fit, or the views of one tensor do not cover its
 * columns exactly.
 */
export function layoutOf({ q, k, v }: HeadTriple): HeadLayout {
  if (k.heads !== v.heads || k.width !== q.width) {
    const show = ({ heads, width }: Heads) => `${heads} of ${width}`;
    throw new RangeError(
      "Cannot attend: need keys with as many heads as values, and with heads as wide as queries: " +
        `queries ${show(q)}, keys ${show(k)}, values ${show(v)}`,
    );
  }
  const parts = Object.entries({ q, k, v });
  const tensors = [...new Set([q.of, k.of, v.of])];
  const layout = tensors.map((tensor) => {
    const views = parts.filter(([, { of }]) => of === tensor)
      .toSorted(([, a], [, b]) => a.first - b.first);
    let next = 0;
    for (const [name, { first, heads, width }] of views) {
      if (first !== next) throw new RangeError(gap(views, tensor, `${name} begins at ${first}`));
      next += heads * width;
    }
    if (next !== tensor.shape[2]) throw new RangeError(gap(views, tensor, `they end at ${next}`));
    return views.map(([name]) => name).join("");
  }).join(",");
  return {
    tensors,
    heads: q.heads,
    ...k.heads !== q.heads && { kvHeads: k.heads },
    ...layout !== "qkv" && { layout },
    ...v.width !== q.width && { valueWidth: v.width },
  };
}

function gap(
  views: readonly (readonly [string, Heads])[],
  { shape }: Tensor,
  what: string,
): string {
  const names = views.map(([name]) => name).join(", ");
  return `Cannot attend: the heads of one tensor must cover its columns in one piece each: ` +
    `${names} of ${showShape(shape)}: ${what}`;
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
