/** Cases of attention, forward and backward. */
import type { Case, Spec, View } from "../../src/graph/types.ts";
import { attendReference } from "./attention_reference.ts";
import type { AttentionAttrs } from "./attention_sizes.ts";
import { attentionSizes, attentionSpecs } from "./attention_sizes.ts";

const KEY: Spec = { shape: [2], dtype: "u32" };

/** B, T, H, d */
type Sizes = readonly [number, number, number, number];

/** First token of the document of token i in row b. */
type Starts = (i: number, b: number) => number;

/** Documents of `length` tokens, with a different offset in each row. */
const every = (length: number): Starts => (i, b) => Math.max(0, i - (i + 3 * b) % length);
/** Arbitrary starts that are valid but form no documents. */
const anywhere: Starts = (i, b) => (7 * i + 5 * b) % (i + 1);

function forwardCase(
  kind: Case["kind"],
  [b, t, h, d]: Sizes,
  { keep, starts, divisor }: { keep?: number; starts?: Starts; divisor?: number } = {},
): Case {
  const qkv: Spec = { shape: [b, t, 3 * h * d], dtype: "f32" };
  const attrs: AttentionAttrs = {
    heads: h,
    ...divisor !== undefined && { divisor },
    ...keep !== undefined && { dropout: { site: 5, keep } },
    ...starts !== undefined && { documents: true },
  };
  const extra: Spec[] = [
    ...keep === undefined ? [] : [KEY],
    ...starts === undefined ? [] : [{ shape: [b, t], dtype: "u32" } as const],
  ];
  const inputs = [qkv, ...extra];
  const fill = (views: readonly View[]) =>
    views.at(-1)?.data.forEach((_, k, data) => {
      data[k] = starts?.(k % t, Math.floor(k / t)) ?? 0;
    });
  return { kind, inputs, attrs, range: { 0: [-2, 2] }, ...starts && { fill } };
}

/** Cases of the forward op. */
export function attentionForwardCases(): Case[] {
  return [
    // Enough heads for tiles of 8 tokens, then too few.
    ...[1, 7, 8, 9].map((t) => forwardCase("tile", [8, t, 8, 4])),
    ...[63, 64].map((t) => forwardCase("tile", [2, t, 4, 4])),
    ...[7, 8, 9].map((t) => forwardCase("tile", [2, t, 3, 8])),
    forwardCase("tile", [8, 9, 8, 4], { keep: 0.75 }),
    forwardCase("tile", [2, 65, 4, 16], { keep: 0.9 }),
    // Head widths that are no multiple of 4.
    ...[1, 9, 64].map((t) => forwardCase("ragged", [2, t, 2, 6])),
    forwardCase("ragged", [3, 10, 3, 3], { keep: 0.5 }),
    // Wide heads.
    forwardCase("ragged", [1, 17, 4, 32]),
    forwardCase("ragged", [1, 11, 2, 38], { keep: 0.75 }),
    forwardCase("ragged", [1, 11, 2, 64]),
    forwardCase("ragged", [1, 5, 2, 128]),
    // Documents that end inside tiles, at tile edges, at every token; arbitrary starts.
    forwardCase("tile", [8, 9, 8, 4], { starts: every(1) }),
    ...[7, 8, 100].map((n) => forwardCase("tile", [3, 33, 4, 16], { starts: every(n) })),
    forwardCase("tile", [8, 9, 8, 4], { starts: every(5), keep: 0.75 }),
    forwardCase("tile", [2, 12, 3, 8], { starts: every(7) }),
    forwardCase("ragged", [2, 19, 2, 6], { starts: anywhere }),
    forwardCase("ragged", [3, 10, 3, 3], { starts: anywhere, keep: 0.5 }),
    // A divisor other than sqrt(d).
    forwardCase("tile", [2, 9, 4, 16], { divisor: 7.5 }),
    forwardCase("ragged", [2, 10, 3, 3], { divisor: 0.9, starts: every(6), keep: 0.75 }),
    forwardCase("bench", [8, 64, 4, 16]),
    forwardCase("bench", [8, 64, 4, 16], { starts: every(20) }),
    forwardCase("bench", [8, 64, 4, 16], { keep: 0.9 }),
    forwardCase("bench", [4, 128, 4, 32]),
    forwardCase("bench", [2, 256, 4, 64]),
  ];
}

/** Cases of the backward op: y and lse are computed from qkv. */
export function attentionBackwardCases(): Case[] {
  return attentionForwardCases().map(({ inputs: [qkv, ...extra], ...rest }) => {
    const [y, lse] = attentionSpecs(attentionSizes(qkv, extra, rest.attrs));
    const fill = (views: readonly View[]): void => {
      rest.fill?.(views);
      const [qkv, y, lse, , ...extra] = views as [View, View, View, View, ...View[]];
      attendReference({ qkv, extra, y, lse }, rest.attrs);
    };
    return { ...rest, inputs: [qkv as Spec, y, lse, y, ...extra], fill };
  });
}
