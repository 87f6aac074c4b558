/** Static attributes of attention, and their checks. */

/**
 * Attributes of a call of attention and of its backward op. Masks add to each other: a query attends
 * to the keys that all of them allow.
 */
export interface AttentionAttrs {
  /** H: heads of queries. */
  readonly heads: number;
  /** Hkv: heads of keys and of values, a divisor of H; default: H. */
  readonly kvHeads?: number;
  /**
   * What each base tensor holds, in the order of its columns: `q`, `k` and `v`, with a comma between
   * tensors; default: `qkv`.
   */
  readonly layout?: string;
  /** Dv: width of a head of values; default: that of queries and keys. */
  readonly valueWidth?: number;
  /** Divisor of the scores; default: sqrt(d). */
  readonly divisor?: number;
  /** Slope of each query head: `-slope |i - j|` is added to the score of query i and key j. */
  readonly alibi?: readonly number[];
  /** Probabilities are kept with probability `keep`, by the random mask of `site`. */
  readonly dropout?: { readonly site: number; readonly keep: number };
  /** Query i attends to keys 0 to i. */
  readonly causal?: true;
  /** Query i attends to keys j with |i - j| below this. */
  readonly window?: number;
  /** Each query attends to keys from its own start on. */
  readonly starts?: true;
  /** Each row of the batch has its own number of keys. */
  readonly lengths?: true;
  /** Queries attend to keys of their segment: ids of one tensor, or of one for each side. */
  readonly segments?: "same" | "pair";
}

/** What a base tensor may hold. */
export type HeadPart = "q" | "k" | "v";

/** The layout of one packed tensor. */
export const PACKED = "qkv";

/** What each base tensor holds, in the order of its columns. */
export function basesOf({ layout = PACKED }: AttentionAttrs): readonly string[] {
  return layout.split(",");
}

/** Divisor of the scores; default: sqrt(d) (Vaswani et al. 2017, section 3.2.1). */
export function divisorOf(width: number, { divisor }: { readonly divisor?: number }): number {
  return divisor ?? Math.sqrt(width);
}

/** Attributes of a divisor. @throws {RangeError} unless it is above 0 and finite. */
export function divisorAttrs(divisor: number | undefined): { readonly divisor?: number } {
  if (divisor === undefined) return {};
  if (divisor > 0 && divisor < Infinity) return { divisor };
  throw new RangeError(`Cannot attend: the divisor of scores must be above 0: ${divisor}`);
}

/**
 * Checks attributes that do not depend on shapes.
 * @throws {RangeError} when heads, slopes, the window or the layout are not valid.
 */
export function requireAttrs(attrs: AttentionAttrs): void {
  const { heads, kvHeads = heads, alibi, causal, window, starts } = attrs;
  const isCount = (n: number) => Number.isInteger(n) && n >= 1;
  const letters = [...basesOf(attrs).join("")].sort().join("");
  if (letters !== "kqv" || basesOf(attrs).includes("")) {
    throw new RangeError(
      `Cannot attend: the layout must name q, k and v once each: ${attrs.layout}`,
    );
  }
  if (!isCount(heads) || !isCount(kvHeads) || heads % kvHeads !== 0) {
    throw new RangeError(
      `Cannot attend with ${heads} heads: need a positive multiple of the heads of keys and ` +
        `values: ${kvHeads}`,
    );
  }
  if (alibi !== undefined && (alibi.length !== heads || !alibi.every(Number.isFinite))) {
    throw new RangeError(
      `Cannot attend with ALiBi: need ${heads} finite slopes, one for each head: ` +
        `${alibi.length} (${alibi.join(", ")})`,
    );
  }
  if (window !== undefined && !isCount(window)) {
    throw new RangeError(`Cannot attend in a window: need a positive number of keys: ${window}`);
  }
  if (starts && !causal) {
    throw new RangeError("Cannot attend from starts on: the mask must be causal too");
  }
}
