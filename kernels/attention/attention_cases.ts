/** Cases of attention, forward and backward: packed causal ones; others are in attention_mask_cases.ts. */
import type { Case, Spec, View } from "../../src/graph/types.ts";
import type { AttentionAttrs } from "./attention_attrs.ts";
import { basesOf } from "./attention_attrs.ts";
import { attentionCase } from "./attention_case.ts";
import type { TokenWord } from "./attention_case.ts";
import { maskCases } from "./attention_mask_cases.ts";
import { attendReference } from "./attention_reference.ts";
import { attentionSizes, attentionSpecs } from "./attention_sizes.ts";
import { joinedSpec } from "./attention_words.ts";

/** B, T, H, d */
type Sizes = readonly [number, number, number, number];

/** Documents of `length` tokens, with a different offset in each row. */
const every = (length: number): TokenWord => (i, b) => Math.max(0, i - (i + 3 * b) % length);
/** Arbitrary starts that are valid but form no documents. */
const anywhere: TokenWord = (i, b) => (7 * i + 5 * b) % (i + 1);

function causalCase(
  kind: Case["kind"],
  [batch, queries, heads, width]: Sizes,
  more: { keep?: number; starts?: TokenWord; divisor?: number } = {},
): Case {
  return attentionCase(kind, { batch, queries, heads, width }, { causal: true, ...more });
}

/** Cases of the forward op. */
export function attentionForwardCases(): Case[] {
  return [
    // Enough heads for tiles of 8 tokens, then too few.
    ...[1, 7, 8, 9].map((t) => causalCase("tile", [8, t, 8, 4])),
    ...[63, 64].map((t) => causalCase("tile", [2, t, 4, 4])),
    ...[7, 8, 9].map((t) => causalCase("tile", [2, t, 3, 8])),
    causalCase("tile", [8, 9, 8, 4], { keep: 0.75 }),
    causalCase("tile", [2, 65, 4, 16], { keep: 0.9 }),
    // Head widths that are no multiple of 4.
    ...[1, 9, 64].map((t) => causalCase("ragged", [2, t, 2, 6])),
    causalCase("ragged", [3, 10, 3, 3], { keep: 0.5 }),
    // Wide heads.
    causalCase("ragged", [1, 17, 4, 32]),
    causalCase("ragged", [1, 11, 2, 38], { keep: 0.75 }),
    causalCase("ragged", [1, 11, 2, 64]),
    causalCase("ragged", [1, 5, 2, 128]),
    // Documents that end inside tiles, at tile edges, at every token; arbitrary starts.
    causalCase("tile", [8, 9, 8, 4], { starts: every(1) }),
    ...[7, 8, 100].map((n) => causalCase("tile", [3, 33, 4, 16], { starts: every(n) })),
    causalCase("tile", [8, 9, 8, 4], { starts: every(5), keep: 0.75 }),
    causalCase("tile", [2, 12, 3, 8], { starts: every(7) }),
    causalCase("ragged", [2, 19, 2, 6], { starts: anywhere }),
    causalCase("ragged", [3, 10, 3, 3], { starts: anywhere, keep: 0.5 }),
    // A divisor other than sqrt(d).
    causalCase("tile", [2, 9, 4, 16], { divisor: 7.5 }),
    causalCase("ragged", [2, 10, 3, 3], { divisor: 0.9, starts: every(6), keep: 0.75 }),
    ...maskCases(),
    causalCase("bench", [8, 64, 4, 16]),
    causalCase("bench", [8, 64, 4, 16], { starts: every(20) }),
    causalCase("bench", [8, 64, 4, 16], { keep: 0.9 }),
    causalCase("bench", [4, 128, 4, 32]),
    causalCase("bench", [2, 256, 4, 64]),
  ];
}

/** Cases of the backward op. */
export function attentionBackwardCases(): Case[] {
  return attentionForwardCases().map(attentionBackwardCase);
}

/** The backward case of a forward case: y and lse are computed from the inputs of the forward op. */
export function attentionBackwardCase({ inputs, attrs, ...rest }: Case): Case {
  const count = basesOf(attrs as AttentionAttrs).length;
  const [bases, extra] = [inputs.slice(0, count), inputs.slice(count)];
  const sizes = attentionSizes(bases, attrs);
  const [y, lse] = attentionSpecs(sizes);
  const joined = joinedSpec(sizes, attrs);
  const words: readonly Spec[] = joined === undefined ? extra : [joined];
  const fill = (views: readonly View[]): void => {
    const [bases, [y, lse], extra] = [
      views.slice(0, count),
      views.slice(count) as [View, View],
      views.slice(count + 3),
    ];
    rest.fill?.([...bases, ...extra]);
    attendReference({ bases, extra, y, lse }, attrs);
  };
  return { ...rest, attrs, inputs: [...bases, y, lse, y, ...words], fill };
}
