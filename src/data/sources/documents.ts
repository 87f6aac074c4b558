/**
 * Lanes with carried states that reset at document boundaries: a window is cut short at a document
 * end and padded with IGNORE, and the lane's next window starts from a zero state. So kernels need
 * no document logic.
 */
import { once } from "../../base/once.ts";
import { minOf } from "../../base/extremes.ts";
import { gatherPadded } from "../batch.ts";
import type { Source, SourceInput, TokenBatch } from "../source.ts";
import type { Tokens } from "../tokens.ts";
import { laneEvaluation } from "./lane_evaluation.ts";
import { holdsLanes, splitLanes } from "./lanes.ts";
import { onlyText } from "./only_text.ts";
import { type LaneWindow, type LaneWindows, laneWindows } from "./lane_windows.ts";

/** `time` tokens of S x B lanes per step; states reset at document starts. */
export function documentSource(
  { time, warm }: { readonly time: number; readonly warm: number },
  input: SourceInput,
): Source {
  const { microBatches, windows, evaluation } = input;
  const lanes = microBatches * windows;
  const text = onlyText(input);
  const lanesOf = (tokens: Tokens, part: string): LaneWindows[] => {
    const { length } = splitLanes(tokens, { lanes, time, part });
    return Array.from(
      { length: lanes },
      (_, lane) => laneWindows(tokens, { start: lane * length, length, time }),
    );
  };
  const train = once(() => lanesOf(text.train, "training"));
  // Lanes wrap around independently: documents give them different numbers of windows.
  const at = (all: LaneWindows[], lane: number, step: number): LaneWindow => {
    const own = all[lane] as LaneWindows;
    return own.at(step % own.count);
  };
  const batch = (tokens: Tokens, own: readonly LaneWindow[]): TokenBatch => {
    const all = own.map(({ start, length }) => ({ tokens, start, from: 0, to: length }));
    const fresh = own.map(({ fresh }) => fresh);
    return { ...gatherPadded(all, { window: time, windows }), fresh };
  };
  const ownOf = (all: LaneWindows[], microBatch: number, step: number): LaneWindow[] =>
    Array.from({ length: windows }, (_, b) => at(all, microBatch * windows + b, step));
  const source: Omit<Source, "evaluation"> = {
    requireTraining: () => void train(),
    train: ({ step, microBatch }) => batch(text.train, ownOf(train(), microBatch, step)),
    countedIn: (step) => train().reduce((sum, _, lane) => sum + at(train(), lane, step).length, 0),
    sequences: microBatches,
  };
  if (evaluation.windows === 0 || !holdsLanes(text.validation, { lanes, time })) {
    const shape = { lanes, windows, time, warm };
    return {
      ...source,
      evaluation: (sequence) => laneEvaluation(text.validation, shape, sequence),
    };
  }
  const validation = lanesOf(text.validation, "validation");
  const shortest = minOf(validation.map(({ count }) => count));
  const limit = Math.max(1, Math.ceil(evaluation.windows / lanes));
  return {
    ...source,
    evaluation: (sequence) =>
      Array.from(
        { length: Math.min(shortest, limit) },
        (_, step) => batch(text.validation, ownOf(validation, sequence, step)),
      ),
  };
}
