/** Attributes and sizes of rotary position embeddings. Letters as in rotary.ts. */
import { sameShape, showShape } from "../../src/base/shape.ts";
import type { Spec } from "../../src/graph/types.ts";
import type { HeadColumns } from "../attention/heads.ts";
import { requireHeads } from "../attention/heads.ts";

/**
 * Which columns of a head are a pair: column k and k + r / 2 of the first r (Llama, GPT-NeoX), or
 * columns 2k and 2k + 1 (the paper, GPT-J).
 */
export type RotaryPairing = "halves" | "interleaved";

/** Attributes of the op. */
export interface RotaryAttrs {
  /** Heads of x that are rotated; all other columns are copied. */
  readonly heads: HeadColumns;
  /** Columns that turn together. */
  readonly pairing: RotaryPairing;
  /** Rotates by the negative angles: the vjp. */
  readonly inverse?: true;
}

/** Sizes of a call. */
export interface RotarySizes {
  /** B T */
  readonly tokens: number;
  /** T */
  readonly time: number;
  /** W */
  readonly columns: number;
  /** r / 2 */
  readonly half: number;
}

/** Sizes of a call. @throws {RangeError} when the heads, tables or positions do not fit. */
export function rotarySizes(
  [x, cos, sin, ...more]: readonly Spec[],
  { heads }: RotaryAttrs,
): RotarySizes {
  requireHeads("rotate by rotary positions", x, heads);
  const [batch = 0, time = 0, columns = 0] = x?.shape ?? [];
  const [rows = 0, half = 0] = cos?.shape ?? [];
  const [positions, ...others] = more;
  const isTable = (spec: Spec | undefined) =>
    spec?.dtype === "f32" && sameShape(spec.shape, [rows, half]) && rows * half > 0;
  if (!isTable(cos) || !isTable(sin) || 2 * half > heads.width) {
    throw new RangeError(
      `Cannot rotate heads of ${heads.width} columns: rotary tables must be f32 [C, r / 2] with r ` +
        `at most ${heads.width}: ${showShape(cos?.shape ?? [])} and ${showShape(sin?.shape ?? [])}`,
    );
  }
  if (others.length > 0) {
    throw new RangeError(`Cannot rotate: rotary takes at most four inputs: ${4 + others.length}`);
  }
  if (positions === undefined ? time > rows : !isPositions(positions, time)) {
    throw new RangeError(
      positions === undefined
        ? `Cannot rotate ${time} tokens: the rotary tables have ${rows} positions`
        : `Cannot rotate: rotary positions must be u32 [${time}]: ${positions.dtype} ` +
          showShape(positions.shape),
    );
  }
  return { tokens: batch * time, time, columns, half };
}

function isPositions({ shape, dtype }: Spec, time: number): boolean {
  return dtype === "u32" && sameShape(shape, [time]);
}
