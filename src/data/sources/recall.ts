/**
 * Synthetic recall task: a name, `gap` fillers, then a question whose answer is the name, after the
 * long time lags of Hochreiter and Schmidhuber 1997, section 5.2. Tokens: names first, then
 * fillers, then the question. T = gap + 2.
 */
import { foldName, type Key, threefry } from "../../base/random.ts";
import { IGNORE } from "../../base/ignore.ts";
import type { DataConfig } from "../schema.ts";
import type { Batch, Source, SourceInput } from "../source.ts";
import { tokenTensors } from "../token_tensors.ts";
import type { SourceMaker } from "./maker.ts";
import { below, firstNumber, numberKey } from "./numbers.ts";

/** Evaluation windows when the config asks for all of the endless source. */
const EVAL_WINDOWS = 512;

/** Words for the first names and fillers. */
const NAMES = ["Anna", "Ben", "Clara", "David", "Emma", "Felix", "Grace", "Henry"];
const FILLERS = ["the", "and", "of", "to", "in", "was", "that", "it"];

/** Windows whose last position has the first token as its target. */
export const recall: SourceMaker = {
  needsText: false,
  task: ({ gap, names, fillers }) => ({
    time: gap + 2,
    vocabulary: names + fillers + 1,
    classes: names,
    targetKind: "token_class",
    tensors: tokenTensors({ time: gap + 2, targetKind: "token_class" }),
    countedPerWindow: 1,
    carries: false,
  }),
  tokenNames: ({ names, fillers }) => [
    ...Array.from({ length: names }, (_, i) => NAMES[i] ?? `Name${i + 1}`),
    ...Array.from({ length: fillers }, (_, i) => FILLERS[i] ?? `word${i + 1}`),
    "?",
  ],
  make: recallSource,
};

function recallSource(config: DataConfig, input: SourceInput): Source {
  const { windows } = input;
  const total = input.evaluation.windows === 0 ? EVAL_WINDOWS : input.evaluation.windows;
  const evalKey = foldName(input.key, "evaluation");
  return {
    train: (at) =>
      draw(config, { key: input.key, first: firstNumber(at, input), count: windows, windows }),
    sequences: Math.ceil(total / windows),
    evaluation(sequence) {
      const first = sequence * windows;
      const count = Math.max(0, Math.min(windows, total - first));
      return [draw(config, { key: evalKey, first, count, windows })];
    },
  };
}

/** `count` windows by number, padded to B = `windows` rows. */
function draw(
  { gap, names, fillers }: DataConfig,
  { key, first, count, windows }: { key: Key; first: number; count: number; windows: number },
): Batch {
  const time = gap + 2;
  const tokens = new Uint32Array(windows * time);
  const targets = new Uint32Array(windows * time).fill(IGNORE);
  for (let b = 0; b < count; b++) {
    const own = numberKey(key, first + b);
    const word = (t: number) => threefry(own, t, 0)[0];
    const start = b * time;
    const name = below(names, word(0));
    tokens[start] = name;
    for (let t = 1; t <= gap; t++) tokens[start + t] = names + below(fillers, word(t));
    tokens[start + gap + 1] = names + fillers;
    targets[start + gap + 1] = name;
  }
  return { tensors: { tokens, targets }, counted: count, fresh: true };
}
