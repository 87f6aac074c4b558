/** Instances of attention for tests and benches, of both directions. */
import type { Case, Spec, View } from "../src/graph/types.ts";
import { attendReference } from "./attention_reference.ts";
import type { AttentionAttrs } from "./attention_sizes.ts";
import { attentionSizes, attentionSpecs } from "./attention_sizes.ts";

const KEY: Spec = { shape: [2], dtype: "u32" };

/** B, T, H, d */
type Sizes = readonly [number, number, number, number];

function forwardCase(kind: Case["kind"], [b, t, h, d]: Sizes, keep?: number): Case {
  const qkv: Spec = { shape: [b, t, 3 * h * d], dtype: "f32" };
  const attrs: AttentionAttrs = keep === undefined
    ? { heads: h }
    : { heads: h, dropout: { site: 5, keep } };
  return { kind, inputs: keep === undefined ? [qkv] : [qkv, KEY], attrs, range: { 0: [-2, 2] } };
}

/** Cases of the forward op. */
export function forwardCases(): Case[] {
  return [
    // Enough heads for tiles of 8 tokens, and too few of them.
    ...[1, 7, 8, 9].map((t) => forwardCase("tile", [8, t, 8, 4])),
    ...[63, 64].map((t) => forwardCase("tile", [2, t, 4, 4])),
    ...[7, 8, 9].map((t) => forwardCase("tile", [2, t, 3, 8])),
    forwardCase("tile", [8, 9, 8, 4], 0.75),
    forwardCase("tile", [2, 65, 4, 16], 0.9),
    // Widths that are no whole quads.
    ...[1, 9, 64].map((t) => forwardCase("ragged", [2, t, 2, 6])),
    forwardCase("ragged", [3, 10, 3, 3], 0.5),
    // Wide heads.
    forwardCase("ragged", [1, 17, 4, 32]),
    forwardCase("ragged", [1, 11, 2, 38], 0.75),
    forwardCase("ragged", [1, 11, 2, 64]),
    forwardCase("ragged", [1, 5, 2, 128]),
    forwardCase("bench", [8, 64, 4, 16]),
    forwardCase("bench", [8, 64, 4, 16], 0.9),
    forwardCase("bench", [4, 128, 4, 32]),
    forwardCase("bench", [2, 256, 4, 64]),
  ];
}

/** Cases of the backward op: y and lse are filled in to match qkv. */
export function backwardCases(): Case[] {
  return forwardCases().map(({ inputs: [qkv, key], ...rest }) => {
    const [y, lse] = attentionSpecs(attentionSizes(qkv, key, rest.attrs));
    const fill = (views: readonly View[]): void => {
      const [qkv, y, lse, , key] = views as [View, View, View, View, View | undefined];
      attendReference({ qkv, key, y, lse }, rest.attrs);
    };
    const inputs = [qkv as Spec, y, lse, y];
    return { ...rest, inputs: key === undefined ? inputs : [...inputs, key], fill };
  });
}
