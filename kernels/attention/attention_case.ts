/** One case of attention, from its sizes and masks. */
import { sizeOf } from "../../src/base/shape.ts";
import type { Case, Spec, View } from "../../src/graph/types.ts";
import type { AttentionAttrs } from "./attention_attrs.ts";
import { basesOf } from "./attention_attrs.ts";
import { attentionSizes } from "./attention_sizes.ts";
import { wordInputs } from "./attention_words.ts";
import type { WordName } from "./attention_words.ts";

/** A number of token i in row b. */
export type TokenWord = (i: number, b: number) => number;

/** Sizes of a case; `keys`, `kvHeads` and `valueWidth` default to those of queries. */
export interface CaseSizes {
  readonly batch: number;
  readonly queries: number;
  readonly keys?: number;
  readonly heads: number;
  readonly kvHeads?: number;
  readonly width: number;
  readonly valueWidth?: number;
  readonly layout?: string;
}

/** Masks and other attributes of a case, with the values of its masks' tensors. */
export interface CaseMask extends Pick<AttentionAttrs, "causal" | "window" | "divisor" | "alibi"> {
  readonly keep?: number;
  readonly starts?: TokenWord;
  readonly lengths?: (b: number) => number;
  readonly segments?: TokenWord;
  /** Ids of keys, if those of `segments` are for queries only. */
  readonly keySegments?: TokenWord;
}

/** Specs of the base tensors. */
function baseSpecs(
  { batch, queries, keys = queries, heads, kvHeads = heads, width, valueWidth = width }: CaseSizes,
  attrs: AttentionAttrs,
): Spec[] {
  const columns: Readonly<Record<string, number>> = {
    q: heads * width,
    k: kvHeads * width,
    v: kvHeads * valueWidth,
  };
  return basesOf(attrs).map((parts) => ({
    shape: [
      batch,
      parts.includes("q") ? queries : keys,
      [...parts].reduce((n, part) => n + (columns[part] ?? 0), 0),
    ],
    dtype: "f32",
  }));
}

/** A case of the forward op. Its `fill` takes the base tensors and the optional inputs, joined or not. */
export function attentionCase(kind: Case["kind"], sizes: CaseSizes, mask: CaseMask): Case {
  const { heads, kvHeads, layout, valueWidth } = sizes;
  const { keep, starts, lengths, segments, keySegments, ...plain } = mask;
  const attrs: AttentionAttrs = {
    heads,
    ...kvHeads !== undefined && { kvHeads },
    ...layout !== undefined && { layout },
    ...valueWidth !== undefined && { valueWidth },
    ...plain,
    ...keep !== undefined && { dropout: { site: 5, keep } },
    ...starts && { starts: true },
    ...lengths && { lengths: true },
    ...segments && { segments: keySegments === undefined ? "same" : "pair" },
  };
  const bases = baseSpecs(sizes, attrs);
  const all = attentionSizes(bases, attrs);
  const words = wordInputs(all, attrs);
  const values: Partial<Record<WordName, TokenWord>> = {
    ...starts && { starts },
    ...lengths && { lengths: (_, b) => lengths(b) },
    ...segments && { segments },
    ...keySegments && { key_segments: keySegments },
  };
  const fill = (views: readonly View[]) => {
    const extra = views.slice(bases.length);
    const joined = extra.length < words.length ? extra[0] : undefined;
    words.forEach(({ name, shape, offset }, k) => {
      const data = joined?.data.subarray(offset, offset + sizeOf(shape)) ?? extra[k]?.data;
      const [, tokens = 1] = shape;
      const value = values[name];
      if (value === undefined) return;
      data?.forEach((_, at) => data[at] = value(at % tokens, Math.floor(at / tokens)));
    });
  };
  const inputs: Spec[] = [
    ...bases,
    ...words.map(({ shape }) => ({ shape, dtype: "u32" } as const)),
  ];
  const range = Object.fromEntries(bases.map((_, i) => [i, [-2, 2] as const]));
  return { kind, inputs, attrs, range, ...words.length > 0 && { fill } };
}
