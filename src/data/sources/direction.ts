/**
 * Sequence classification: whether a window of text was reversed (label 1). A random bit per window
 * decides.
 */
import { foldName, type Key, threefry } from "../../base/random.ts";
import { IGNORE } from "../../base/ignore.ts";
import type { DataConfig } from "../schema.ts";
import type { Source, SourceInput, TokenBatch } from "../source.ts";
import { tokenTensors } from "../token_tensors.ts";
import type { SourceMaker } from "./maker.ts";
import { below, firstNumber, numberKey } from "./numbers.ts";
import { windowSource } from "./windows.ts";

/** Shuffled windows, forwards or reversed; targets [B]. */
export const direction: SourceMaker = {
  needsText: true,
  leastEvaluated: ({ seq_len: window }) => window + 1,
  task: ({ seq_len: window }, vocabulary) => ({
    time: window,
    vocabulary,
    classes: 2,
    targetKind: "sequence_class",
    tensors: tokenTensors({ time: window, targetKind: "sequence_class" }),
    countedPerWindow: 1,
    carries: false,
  }),
  make: directionSource,
};

function directionSource(config: DataConfig, input: SourceInput): Source {
  const { seq_len: window } = config;
  // A label needs a full window, so evaluation windows are full and do not overlap.
  const evaluation = { ...input.evaluation, stride: null };
  const source = windowSource(config, { ...input, evaluation }, { whole: true });
  const key = foldName(input.key, "direction");
  const evalKey = foldName(key, "evaluation");
  return {
    ...source,
    train: (at) => turned(source.train(at), { key, first: firstNumber(at, input), window }),
    evaluation: (sequence) =>
      Array.from(
        source.evaluation(sequence),
        (batch) => turned(batch, { key: evalKey, first: sequence * input.windows, window }),
      ),
  };
}

/** Reverses the rows whose bit is 1; padding rows stay uncounted. */
function turned(
  { tensors: { tokens, targets }, counted, fresh }: TokenBatch,
  { key, first, window }: { key: Key; first: number; window: number },
): TokenBatch {
  const rows = tokens.length / window;
  const turned = tokens.slice();
  const labels = Uint32Array.from({ length: rows }, (_, b) => {
    if (targets[b * window] === IGNORE) return IGNORE;
    const bit = below(2, threefry(numberKey(key, first + b), 0, 0)[0]);
    if (bit === 1) turned.subarray(b * window, (b + 1) * window).reverse();
    return bit;
  });
  return { tensors: { tokens: turned, targets: labels }, counted: counted / window, fresh };
}
