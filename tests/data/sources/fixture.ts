/** Fixtures of sources: complete configs, small inputs, rows of batches as lists. */
import { rootKey } from "../../../src/base/random.ts";
import { type DataConfig, dataSchema } from "../../../src/data/schema.ts";
import type {
  Batch,
  BatchAddress,
  Source,
  SourceInput,
  TokenBatch,
} from "../../../src/data/source.ts";
import { sourceOf } from "../../../src/data/sources/mod.ts";
import { textIn } from "../../../src/data/text.ts";
import { beginsIn } from "../../support/documents.ts";
import { charTokenizer } from "../../../src/data/tokenizers/char.ts";

/** A complete `data` part. */
export function dataConfig(input: Partial<DataConfig>): DataConfig {
  return dataSchema.parse(input);
}

/** Input of a source over one text in memory. */
export type Input = Omit<SourceInput, "texts" | "evaluation"> & {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  readonly evalWindows: number;
  readonly evalStride?: number;
  readonly end?: readonly number[];
};

/** Input of a source; default: 2 micro-batches of 3 windows, no text. */
export function inputOf(input: Partial<Input> = {}): Input {
  const none = new Uint32Array();
  return {
    key: rootKey(1337),
    microBatches: 2,
    windows: 3,
    evalWindows: 0,
    train: none,
    validation: none,
    ...input,
  };
}

/** Both parts of the input, from two texts of the same characters. */
export function textInput(
  { train, validation }: { train: string; validation: string },
  input: Partial<Input> = {},
): Input {
  const tokenizer = charTokenizer(train + validation);
  return inputOf({
    train: tokenizer.encode(train),
    validation: tokenizer.encode(validation),
    tokenizer,
    ...input,
  });
}

/** The source that a `data` part names. */
export function sourceFor(
  data: Partial<DataConfig>,
  { train, validation, evalWindows, evalStride, end, ...rest }: Input,
): Source<TokenBatch> {
  // All sources read tokens.
  return sourceOf(dataConfig(data), {
    ...rest,
    evaluation: { windows: evalWindows, stride: evalStride ?? null },
    texts: [textIn({ train, validation }, { begins: end && beginsIn({ train, validation }, end) })],
  }) as Source<TokenBatch>;
}

/** The B rows of [B, n]. */
export function rowsOf(data: Uint32Array, count: number): number[][] {
  const n = data.length / count;
  return Array.from({ length: count }, (_, b) => [...data.subarray(b * n, (b + 1) * n)]);
}

/** Micro-batches of steps [0, steps), in order. */
export function addresses(steps: number, microBatches: number): BatchAddress[] {
  return Array.from(
    { length: steps * microBatches },
    (_, i) => ({ step: Math.floor(i / microBatches), microBatch: i % microBatches }),
  );
}

/** All evaluation batches, in order. */
export function evaluationOf<B extends Batch>(source: Source<B>): B[] {
  return Array.from({ length: source.sequences }, (_, s) => [...source.evaluation(s)]).flat();
}
