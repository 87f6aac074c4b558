/** Shuffled windows of a text, asked for the next token. No state passes between batches. */
import { evalBatches, gather, gatherPadded, trainWindows } from "../batch.ts";
import type { DataConfig } from "../schema.ts";
import type { Source, SourceInput } from "../source.ts";
import { windowCount } from "../windows.ts";

/** Windows of `data.window` tokens that start every `data.stride` tokens. */
export function windowSource(
  { window, stride }: DataConfig,
  { key, microBatches, windows, evalWindows, train, validation }: SourceInput,
): Source {
  const count = windowCount(train.length, window, stride);
  const evaluations = evalBatches(validation.length, { window, windows, limit: evalWindows });
  return {
    train({ step, microBatch }) {
      const numbers = trainWindows(key, { step, microBatch, microBatches, windows, count });
      const batch = gather(train, numbers.map((n) => n * stride), window);
      return { ...batch, counted: windows * window, fresh: true };
    },
    sequences: evaluations.length,
    evaluation(sequence) {
      const starts = evaluations[sequence] ?? new Uint32Array();
      return [{ ...gatherPadded(validation, starts, { window, windows }), fresh: true }];
    },
  };
}
