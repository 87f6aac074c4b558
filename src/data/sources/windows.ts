/** Next-token prediction on shuffled windows. No state is carried between batches. */
import { once } from "../../base/once.ts";
import { foldName, type Key } from "../../base/random.ts";
import { UserError } from "../../base/user_error.ts";
import { gatherBatch, gatherPadded, type WindowAt, windowOf } from "../batch.ts";
import { documentStarts } from "../documents.ts";
import { type EvalWindows, evalWindows } from "../eval_windows.ts";
import { mixture } from "../mixture.ts";
import type { DataConfig } from "../schema.ts";
import type { Source, SourceInput, TokenBatch } from "../source.ts";
import type { Text } from "../text.ts";
import { STARTS } from "../token_tensors.ts";
import { windowCount } from "../windows.ts";
import { firstNumber } from "./numbers.ts";

/**
 * Windows of `data.seq_len` tokens that start every `data.stride` tokens. Each text reshuffles its
 * windows every epoch; its sampling weight sets its share of the mixture. With `whole`, evaluation
 * uses full windows only.
 */
export function windowSource(
  { seq_len: window, stride: configured, document_mask }: DataConfig,
  { key, microBatches, windows, evaluation, texts }: SourceInput,
  { whole = false }: { readonly whole?: boolean } = {},
): Source<TokenBatch> {
  const stride = configured ?? window;
  const counts = once(() => texts.map((text) => trainingWindows(text, { window, stride })));
  const mix = mixture(foldName(key, "mixture"), texts.map(({ weight }) => weight));
  const keys = texts.map((_, i) => i === 0 ? key : foldName(key, `text ${i}`));
  const shape = { window, stride: evaluation.stride ?? window, limit: evaluation.windows, whole };
  const parts = texts.map(({ validation }) => evalWindows(validation.length, shape));
  const sequences = parts.map(({ count }) => Math.ceil(count / windows));
  const withStarts = (batch: TokenBatch, rows: readonly WindowAt[]): TokenBatch => {
    if (!document_mask) return batch;
    const starts = documentStarts(rows, { window, windows });
    return { ...batch, tensors: { ...batch.tensors, [STARTS]: starts } };
  };
  return {
    requireTraining: () => void counts(),
    train(at) {
      const first = firstNumber(at, { microBatches, windows });
      const all = Array.from({ length: windows }, (_, b) => {
        const { text, number } = mix(first + b);
        const own = windowOf(keys[text] as Key, number, counts()[text] as number);
        return { tokens: (texts[text] as Text).train, start: own * stride };
      });
      const tensors = gatherBatch(all, window);
      return withStarts({ tensors, counted: windows * window, fresh: true }, all);
    },
    sequences: sequences.reduce((a, b) => a + b, 0),
    textOf: (sequence) => locate(sequences, sequence).part,
    evaluation(sequence) {
      const { part, rest } = locate(sequences, sequence);
      const { count, at } = parts[part] as EvalWindows;
      const tokens = (texts[part] as Text).validation;
      const first = rest * windows;
      const own = Array.from(
        { length: Math.min(windows, count - first) },
        (_, b) => ({ tokens, ...at(first + b) }),
      );
      return [withStarts({ ...gatherPadded(own, { window, windows }), fresh: true }, own)];
    },
  };
}

/** Number of training windows of a text. @throws {UserError} `data` when it is shorter than one. */
function trainingWindows(
  { name, train }: Text,
  { window, stride }: { readonly window: number; readonly stride: number },
): number {
  const count = windowCount(train.length, window, stride);
  if (count > 0) return count;
  throw new UserError(
    "data",
    `Cannot cut windows of ${window} tokens: need ${
      window + 1
    } tokens of ${name} to train on: its ` +
      `training part has ${train.length}`,
  );
}

/** The part that contains `index` when parts of the given sizes are concatenated. */
function locate(
  sizes: readonly number[],
  index: number,
): { part: number; rest: number } {
  let rest = index;
  for (const [part, size] of sizes.entries()) {
    if (rest < size) return { part, rest };
    rest -= size;
  }
  throw new RangeError(`Cannot find evaluation sequence ${index}: there are ${index - rest}`);
}
