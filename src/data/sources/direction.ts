/**
 * Telling whether a window of text runs forwards or backwards: one label of a whole window, 1 where
 * it was reversed. Windows are those of text; a random bit of its own decides on each.
 */
import { foldName, type Key, threefry } from "../../base/random.ts";
import { IGNORE } from "../../base/ignore.ts";
import type { DataConfig } from "../schema.ts";
import type { Batch, Source, SourceInput } from "../source.ts";
import type { SourceMaker } from "./maker.ts";
import { below, firstNumber, numberKey } from "./numbers.ts";
import { windowSource } from "./windows.ts";

/** Shuffled windows, each as it stands or from its end: targets are [B]. */
export const direction: SourceMaker = {
  needsText: true,
  leastEvaluated: ({ seq_len: window }) => window + 1,
  task: ({ seq_len: window }, characters) => ({
    time: window,
    vocabulary: characters,
    classes: 2,
    targetKind: "one",
    countedPerWindow: 1,
    carries: false,
    documents: false,
  }),
  make: directionSource,
};

function directionSource(config: DataConfig, input: SourceInput): Source {
  const { seq_len: window } = config;
  // A label is of a whole window: none is asked in part, and none overlaps another.
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

/** Reverses the rows whose bit is 1; rows that fill a batch up stay uncounted. */
function turned(
  { inputs, targets, counted, fresh }: Batch,
  { key, first, window }: { key: Key; first: number; window: number },
): Batch {
  const rows = inputs.length / window;
  const turned = inputs.slice();
  const labels = Uint32Array.from({ length: rows }, (_, b) => {
    if (targets[b * window] === IGNORE) return IGNORE;
    const bit = below(2, threefry(numberKey(key, first + b), 0, 0)[0]);
    if (bit === 1) turned.subarray(b * window, (b + 1) * window).reverse();
    return bit;
  });
  return { inputs: turned, targets: labels, counted: counted / window, fresh };
}
