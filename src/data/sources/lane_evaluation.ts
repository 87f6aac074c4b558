/**
 * Evaluates a whole text in lanes, each target once. A lane starts `warm` tokens before its first
 * target to warm up its state; states reset at document starts.
 */
import { maxOf } from "../../base/extremes.ts";
import { IGNORE } from "../../base/ignore.ts";
import type { TokenBatch } from "../source.ts";
import type { Tokens } from "../tokens.ts";
import { laneWindows } from "./lane_windows.ts";

/** How a text is split into lanes for evaluation. */
export interface LaneShape {
  /** S x B. */
  readonly lanes: number;
  /** B. */
  readonly windows: number;
  /** Tokens T of a window. */
  readonly time: number;
  /** Warm-up tokens of a lane, which do not count. */
  readonly warm: number;
}

/** The batches of the B lanes of evaluation sequence `sequence`. */
export function* laneEvaluation(
  tokens: Tokens,
  { lanes, windows, time, warm }: LaneShape,
  sequence: number,
): Generator<TokenBatch> {
  const targets = tokens.length - 1;
  if (targets < 1) return;
  const length = Math.ceil(targets / lanes);
  const own = Array.from({ length: windows }, (_, b) => {
    const from = Math.min(targets, (sequence * windows + b) * length);
    const to = Math.min(targets, from + length);
    const start = from === to ? to : Math.max(0, from - warm);
    return { from, cuts: laneWindows(tokens, { start, length: to - start, time }) };
  });
  const steps = maxOf(own.map(({ cuts }) => cuts.count));
  for (let step = 0; step < steps; step++) {
    const ids = new Uint32Array(windows * time);
    const targetIds = new Uint32Array(windows * time).fill(IGNORE);
    const read = new Uint32Array(time + 1);
    let counted = 0;
    const fresh = own.map(({ from, cuts }, b) => {
      if (step >= cuts.count) return true;
      const { start, length: n, fresh } = cuts.at(step);
      tokens.read(start, read.subarray(0, n + 1));
      ids.set(read.subarray(0, n), b * time);
      const warmed = Math.min(n, Math.max(0, from - start));
      targetIds.set(read.subarray(warmed + 1, n + 1), b * time + warmed);
      counted += n - warmed;
      return fresh;
    });
    yield { tensors: { tokens: ids, targets: targetIds }, counted, fresh };
  }
}
