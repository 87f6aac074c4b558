/**
 * Pairs: a model reads a source and writes its target. B pairs a micro-batch, T tokens at most of a
 * side. A source ends with </s>; a target is asked behind <pad> and ends with </s>.
 */
import { IGNORE } from "../../base/ignore.ts";
import { once } from "../../base/once.ts";
import { UserError } from "../../base/user_error.ts";
import { windowOf } from "../batch.ts";
import { SIDE_END, SIDE_PAD } from "../pairs/encode.ts";
import type { DataConfig } from "../schema.ts";
import type { Batch, BatchTensor, Source, SourceInput } from "../source.ts";
import type { Tokens } from "../tokens.ts";
import type { Tokenizer } from "../tokenizers/types.ts";
import type { SourceMaker } from "./maker.ts";
import { firstNumber } from "./numbers.ts";
import { onlyText } from "./only_text.ts";

/** Pairs in a shuffled order, each once in an epoch. */
export const pairs: SourceMaker = {
  needsText: true,
  needsTokenizer: true,
  reads: "pairs",
  specialTokens: [SIDE_END, SIDE_PAD],
  leastEvaluated: () => 0,
  task: ({ seq_len: time }, vocabulary) => ({
    time,
    vocabulary,
    classes: vocabulary,
    targetKind: "sequence",
    tensors: pairTensors(time),
    countedPerWindow: undefined,
    carries: false,
  }),
  make: pairSource,
};

/** The tensors of a batch of pairs. */
function pairTensors(time: number): Readonly<Record<string, BatchTensor>> {
  return {
    source: { shape: [time], dtype: "u32", meaning: "source with its end; <pad> behind it" },
    source_lengths: { shape: [], dtype: "u32", meaning: "tokens of the source with its end" },
    tokens: { shape: [time], dtype: "u32", meaning: "<pad>, then the target; <pad> behind it" },
    targets: { shape: [time], dtype: "u32", meaning: "target with its end; IGNORE behind it" },
  };
}

function pairSource({ seq_len: time }: DataConfig, input: SourceInput): Source {
  const { key, microBatches, windows, evaluation, tokenizer } = input;
  const text = onlyText(input);
  const special = specialOf(tokenizer);
  const shape = { time, windows, ...special };
  const train = once(() => listOf(text.train, "train"));
  const validation = listOf(text.validation, undefined);
  const { count } = validation;
  const limit = evaluation.windows === 0 ? count : Math.min(count, evaluation.windows);
  const placeOf = (number: number) => windowOf(key, number, train().count);
  const source: Source = {
    requireTraining: () => void train(),
    train(at) {
      const first = firstNumber(at, input);
      const own = Array.from({ length: windows }, (_, b) => placeOf(first + b));
      return batchOf(train(), own, shape);
    },
    countedIn(step) {
      const first = firstNumber({ step, microBatch: 0 }, input);
      let counted = 0;
      for (let i = 0; i < microBatches * windows; i++) {
        counted += train().targetTokens(placeOf(first + i), special.end);
      }
      return counted;
    },
    sequences: Math.ceil(limit / windows),
    evaluation(sequence) {
      const first = sequence * windows;
      const rows = Math.max(0, Math.min(windows, limit - first));
      // Evenly spaced, when not all are evaluated.
      const own = Array.from({ length: rows }, (_, b) => Math.floor((first + b) * count / limit));
      return [batchOf(validation, own, shape)];
    },
  };
  return source;
}

function specialOf(tokenizer: Tokenizer | undefined): { end: number; pad: number } {
  const [end, pad] = [tokenizer?.special?.(SIDE_END), tokenizer?.special?.(SIDE_PAD)];
  if (end !== undefined && pad !== undefined) return { end, pad };
  throw new UserError(
    "config",
    `Cannot read pairs: need a tokenizer with tokens ${SIDE_END} and ${SIDE_PAD}`,
  );
}

/** Pairs with random access. */
export interface PairList {
  readonly count: number;
  /** Tokens of a pair: its source, an end, its target, an end. */
  pair(index: number): Uint32Array;
  /** Tokens of its target, the end included. */
  targetTokens(index: number, end: number): number;
}

/** The pairs of a text. `part`: named where there must be one. @throws {UserError} `data` */
export function listOf(tokens: Tokens, part: string | undefined): PairList {
  const { documents } = tokens;
  const count = documents?.count ?? 0;
  if (part !== undefined && count === 0) {
    throw new UserError(
      "data",
      `Cannot read pairs: need one at least to ${part} on: there is none`,
    );
  }
  const ends = new Uint32Array(count);
  for (let i = 0, at = 0; i < count; i++) ends[i] = at = documents?.after(at) as number;
  const pair = (index: number): Uint32Array => {
    const start = index === 0 ? 0 : ends[index - 1] as number;
    const own = new Uint32Array((ends[index] as number) - start);
    tokens.read(start, own);
    return own;
  };
  return {
    count,
    pair,
    targetTokens(index, end) {
      const own = pair(index);
      return own.length - own.indexOf(end) - 1;
    },
  };
}

/** A batch of pairs by index, filled up to B = `windows` rows with sources of one token. */
export function batchOf(
  list: PairList,
  own: readonly number[],
  { time, windows, end, pad }: { time: number; windows: number; end: number; pad: number },
): Batch {
  const source = new Uint32Array(windows * time).fill(pad);
  const tokens = new Uint32Array(windows * time).fill(pad);
  const targets = new Uint32Array(windows * time).fill(IGNORE);
  const lengths = new Uint32Array(windows).fill(1);
  let counted = 0;
  for (const [row, index] of own.entries()) {
    const pair = list.pair(index);
    const middle = pair.indexOf(end) + 1;
    const [left, right] = [pair.subarray(0, middle), pair.subarray(middle)];
    source.set(left, row * time);
    lengths[row] = left.length;
    targets.set(right, row * time);
    tokens.set(right.subarray(0, -1), row * time + 1);
    counted += right.length;
  }
  return {
    tensors: { source, source_lengths: lengths, tokens, targets },
    counted,
    fresh: true,
  };
}
