/**
 * The whole of a part in lanes, each target once. A lane begins some tokens before the first that it
 * counts, to have its state warm by then; states begin anew behind the end of a document.
 */
import { maxOf } from "../../base/extremes.ts";
import { IGNORE } from "../../base/ignore.ts";
import type { Batch } from "../source.ts";
import type { Tokens } from "../tokens.ts";
import { stretches } from "./stretches.ts";

/** How a part is cut for its evaluation. */
export interface LaneShape {
  /** S x B. */
  readonly lanes: number;
  /** B. */
  readonly windows: number;
  /** Tokens T of a window. */
  readonly time: number;
  /** Tokens that a lane reads before it counts. */
  readonly warm: number;
}

/** The batches of the B lanes of a sequence. */
export function* laneEvaluation(
  tokens: Tokens,
  { lanes, windows, time, warm }: LaneShape,
  sequence: number,
): Generator<Batch> {
  const targets = tokens.length - 1;
  if (targets < 1) return;
  const length = Math.ceil(targets / lanes);
  const own = Array.from({ length: windows }, (_, b) => {
    const from = Math.min(targets, (sequence * windows + b) * length);
    const to = Math.min(targets, from + length);
    const start = from === to ? to : Math.max(0, from - warm);
    return { from, cuts: stretches(tokens, { start, length: to - start, time }) };
  });
  const steps = maxOf(own.map(({ cuts }) => cuts.count));
  for (let step = 0; step < steps; step++) {
    const inputs = new Uint32Array(windows * time);
    const asked = new Uint32Array(windows * time).fill(IGNORE);
    const read = new Uint32Array(time + 1);
    let counted = 0;
    const fresh = own.map(({ from, cuts }, b) => {
      if (step >= cuts.count) return true;
      const { start, length: n, fresh } = cuts.at(step);
      tokens.read(start, read.subarray(0, n + 1));
      inputs.set(read.subarray(0, n), b * time);
      const warmed = Math.min(n, Math.max(0, from - start));
      asked.set(read.subarray(warmed + 1, n + 1), b * time + warmed);
      counted += n - warmed;
      return fresh;
    });
    yield { inputs, targets: asked, counted, fresh };
  }
}
