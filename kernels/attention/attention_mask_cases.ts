/** Cases of attention beyond the packed causal one: masks, layouts, grouped and cross attention. */
import type { Case } from "../../src/graph/types.ts";
import { alibiSlopes } from "./alibi.ts";
import { attentionCase } from "./attention_case.ts";
import type { CaseMask, CaseSizes, TokenWord } from "./attention_case.ts";

/** B, Tq, Tk, H, d */
type Sizes = readonly [number, number, number, number, number];

function cross(
  kind: Case["kind"],
  [batch, queries, keys, heads, width]: Sizes,
  { layout = "q,kv", ...more }: Partial<CaseSizes> = {},
  mask: CaseMask = {},
): Case {
  return attentionCase(kind, { batch, queries, keys, heads, width, layout, ...more }, mask);
}

function own(
  kind: Case["kind"],
  [batch, queries, heads, width]: readonly [number, number, number, number],
  mask: CaseMask = {},
  more: Partial<CaseSizes> = {},
): Case {
  return attentionCase(kind, { batch, queries, heads, width, ...more }, mask);
}

/** Ids of adjacent segments of `length` tokens, and of segments whose tokens alternate. */
const adjacent = (length: number): TokenWord => (i, b) => Math.floor((i + 2 * b) / length);
const alternating: TokenWord = (i, b) => (i * i + b) % 3;
/** Lengths 0, 1, 7, 8, ... by row: none, a part of a tile, a tile, more than there are. */
const lengths = (b: number): number => [0, 1, 7, 8, 9, 32, 33, 100][b % 8] as number;
const short = (b: number): number => [5, 0, 2][b % 3] as number;

function masks(): Case[] {
  return [
    // Nothing is masked.
    ...[1, 7, 8, 9].map((t) => own("tile", [4, t, 8, 4])),
    own("tile", [2, 33, 4, 8], { keep: 0.75 }),
    ...[31, 32].map((t) => own("tile", [1, t, 2, 16])),
    own("ragged", [2, 10, 3, 3], { divisor: 2.5 }),
    // Lengths that end inside tiles and at their edges, and none.
    own("tile", [8, 33, 4, 8], { lengths }),
    own("tile", [8, 33, 2, 4], { lengths, causal: true }),
    own("ragged", [3, 10, 3, 3], { lengths: short, keep: 0.5 }),
    own("tile", [3, 8, 4, 4], { lengths: () => 0 }),
    // Windows: the token alone, a part of a tile, a tile, all but one token, more than there are.
    ...[1, 3, 8, 9, 32, 40].map((window) => own("tile", [2, 33, 4, 8], { window, causal: true })),
    ...[1, 5, 8].map((window) => own("tile", [2, 33, 4, 8], { window })),
    own("ragged", [2, 19, 2, 6], { window: 4, keep: 0.5 }),
    own("tile", [8, 33, 2, 4], { window: 6, lengths }),
    own("tile", [3, 33, 4, 8], { window: 12, causal: true, starts: (i) => i - i % 8 }),
    // Segments.
    own("tile", [2, 33, 4, 8], { segments: adjacent(8) }),
    own("tile", [8, 9, 8, 4], { segments: adjacent(1) }),
    own("tile", [2, 33, 4, 8], { segments: alternating, causal: true }),
    own("ragged", [2, 19, 2, 6], { segments: alternating, keep: 0.5 }),
    // More tensors than a launch binds.
    own("tile", [8, 17, 2, 8], { lengths, segments: alternating, keep: 0.75, window: 7 }),
    own("ragged", [3, 10, 3, 3], {
      causal: true,
      starts: (i) => i >> 1,
      lengths: short,
      keep: 0.5,
    }),
    // ALiBi.
    own("tile", [2, 33, 4, 8], { causal: true, alibi: alibiSlopes(4) }),
    own("ragged", [2, 19, 3, 6], { alibi: alibiSlopes(3), keep: 0.5 }),
  ];
}

function layouts(): Case[] {
  return [
    // Grouped-query and multi-query attention.
    ...[8, 9].map((t) => own("tile", [4, t, 8, 4], { causal: true }, { kvHeads: 2 })),
    own("tile", [2, 33, 4, 8], { causal: true, keep: 0.75 }, { kvHeads: 2 }),
    own("tile", [2, 33, 4, 8], { causal: true, window: 9 }, { kvHeads: 1, layout: "q,k,v" }),
    own("ragged", [3, 10, 6, 3], { lengths: short }, { kvHeads: 2, layout: "q,kv" }),
    own("ragged", [2, 19, 6, 6], { alibi: alibiSlopes(6), causal: true }, { kvHeads: 1 }),
    own("ragged", [2, 19, 4, 6], { segments: alternating, keep: 0.5 }, {
      kvHeads: 2,
      layout: "q,k,v",
    }),
    // Values of another width, in one tensor and in several.
    own("tile", [2, 33, 4, 4], { causal: true }, { valueWidth: 8 }),
    own("ragged", [2, 10, 3, 3], { keep: 0.5 }, { valueWidth: 5 }),
    own("ragged", [2, 17, 2, 4], { causal: true }, { valueWidth: 6, layout: "q,k,v" }),
    own("ragged", [2, 17, 4, 6], { causal: true }, { valueWidth: 8, layout: "qk,v", kvHeads: 2 }),
    // Other orders.
    own("tile", [2, 9, 4, 4], { causal: true }, { layout: "vkq" }),
    own("ragged", [2, 10, 3, 3], { causal: true, starts: (i) => i >> 1, keep: 0.5 }, {
      layout: "qk,v",
    }),
    // Cross attention: fewer and more keys than queries.
    cross("tile", [2, 1, 9, 4, 4]),
    cross("tile", [2, 9, 1, 4, 4]),
    cross("tile", [2, 8, 33, 4, 8]),
    cross("tile", [2, 33, 8, 4, 8], { layout: "q,k,v" }),
    cross("tile", [8, 17, 33, 2, 8], { kvHeads: 1 }, { lengths, keep: 0.75 }),
    cross("ragged", [3, 19, 10, 3, 3], { layout: "q,k,v" }, { lengths: short, keep: 0.5 }),
    cross("tile", [2, 33, 9, 4, 8], {}, { window: 3 }),
    cross("ragged", [2, 10, 19, 2, 6], {}, {
      segments: adjacent(4),
      keySegments: alternating,
    }),
    cross("tile", [8, 12, 20, 4, 4], { layout: "q,k,v", kvHeads: 2, valueWidth: 8 }, {
      ...{ lengths, segments: alternating, keySegments: adjacent(7) },
      ...{ keep: 0.75, window: 11, alibi: alibiSlopes(4) },
    }),
  ];
}

/** Cases of the forward op. */
export function maskCases(): Case[] {
  return [
    ...masks(),
    ...layouts(),
    own("bench", [8, 64, 4, 16]),
    own("bench", [4, 256, 4, 32], { causal: true, window: 64 }, { kvHeads: 1 }),
    cross("bench", [4, 64, 128, 4, 32], {}, { lengths: (b) => 32 * b + 32 }),
  ];
}
