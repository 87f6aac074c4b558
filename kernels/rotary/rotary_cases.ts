/** Cases of the rotary op. */
import type { Case, View } from "../../src/graph/types.ts";
import { WORKGROUP_SIZE } from "../../src/graph/wgsl.ts";
import type { RotaryAttrs } from "./rotary_sizes.ts";
import { rotaryValues } from "./rotary_tables.ts";

/** B, T, rotated heads, width of a head. */
type Sizes = readonly [number, number, number, number];

interface CaseOptions {
  /** r, default: the whole width. */
  readonly rotated?: number;
  /** Columns before and behind the heads. */
  readonly margin?: readonly [before: number, behind: number];
  readonly interleaved?: boolean;
  /** Position of the first token, given as an input. */
  readonly from?: number;
  readonly inverse?: true;
}

/** Cases of the op. */
export function rotaryCases(): Case[] {
  const edges = [WORKGROUP_SIZE - 1, WORKGROUP_SIZE, WORKGROUP_SIZE + 1];
  return [
    // One quad of pairs per token, then one pair.
    ...edges.map((t) => rotaryCase("tile", [1, t, 1, 8])),
    ...edges.map((t) => rotaryCase("tile", [1, t, 1, 2])),
    rotaryCase("tile", [1, 1, 1, 2], { interleaved: true }),
    ...edges.map((t) => rotaryCase("tile", [1, t, 1, 2], { interleaved: true })),
    // Queries and keys of a packed projection: values are copied.
    rotaryCase("tile", [2, 5, 6, 16], { margin: [0, 48] }),
    rotaryCase("tile", [2, 5, 6, 16], { margin: [48, 0], interleaved: true }),
    rotaryCase("tile", [2, 5, 3, 16], { margin: [4, 8], inverse: true }),
    // Partial rotation.
    rotaryCase("tile", [2, 5, 3, 16], { rotated: 8, margin: [4, 12] }),
    rotaryCase("tile", [2, 5, 3, 8], { rotated: 4, margin: [4, 12] }),
    rotaryCase("tile", [2, 5, 3, 8], { rotated: 4, interleaved: true }),
    // Positions as an input.
    rotaryCase("tile", [3, 4, 2, 8], { from: 60 }),
    rotaryCase("tile", [3, 1, 2, 8], { from: 0, interleaved: true }),
    rotaryCase("ragged", [3, 7, 5, 7], { rotated: 6, margin: [3, 0], inverse: true }),
    rotaryCase("ragged", [3, 7, 5, 6], { margin: [1, 3], from: 11 }),
    rotaryCase("ragged", [3, 7, 5, 7], { rotated: 4, margin: [0, 5], interleaved: true, from: 2 }),
    rotaryCase("bench", [8, 256, 24, 64], { margin: [0, 768] }),
    rotaryCase("bench", [8, 256, 24, 64], { margin: [0, 768], interleaved: true }),
  ];
}

/** A case: heads of [B, T, heads, width] between `margin` columns. */
export function rotaryCase(
  kind: Case["kind"],
  [batch, time, heads, width]: Sizes,
  { rotated = width, margin = [0, 0], interleaved, from, inverse }: CaseOptions = {},
): Case {
  const positions = time + (from ?? 0);
  const table = { shape: [positions, rotated / 2], dtype: "f32" } as const;
  const attrs: RotaryAttrs = {
    heads: { first: margin[0], heads, width },
    pairing: interleaved ? "interleaved" : "halves",
    ...inverse && { inverse },
  };
  return {
    kind,
    inputs: [
      { shape: [batch, time, margin[0] + heads * width + margin[1]], dtype: "f32" },
      table,
      table,
      ...from === undefined ? [] : [{ shape: [time], dtype: "u32" } as const],
    ],
    attrs,
    fill([, cos, sin, placed]: readonly View[]) {
      const values = rotaryValues(positions, { rotated });
      cos?.data.set(values.cos);
      sin?.data.set(values.sin);
      placed?.data.set(Uint32Array.from({ length: time }, (_, i) => (from ?? 0) + i));
    },
  };
}
