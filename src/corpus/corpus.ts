/** The texts of a run as each process opens them, and the source of batches over them. */
import type { Key } from "../base/random.ts";
import type { RunConfig } from "../config/schema.ts";
import type { Source } from "../data/source.ts";
import { sourceOf } from "../data/sources/mod.ts";
import { type DocumentStarts, type Text, textIn } from "../data/text.ts";
import type { Tokenizer } from "../data/tokenizers/types.ts";

/** Data hash of a model that was never trained here. */
export const NO_DATA = "0".repeat(64);

/** The texts of a run; none for a synthetic source. */
export interface Corpus {
  readonly texts: readonly Text[];
  /** Distinct tokens of the texts; 0 without texts. */
  readonly vocabulary: number;
  readonly tokenizer?: Tokenizer | undefined;
}

/** The source of a run's batches, shuffled by `key`. @throws {UserError} `data` */
export function sourceIn(config: RunConfig, corpus: Corpus, key: Key): Source {
  return sourceOf(config.data, {
    key,
    microBatches: config.micro_batches,
    windows: config.micro_batch_size,
    evaluation: config.eval,
    texts: corpus.texts,
    vocabulary: corpus.vocabulary,
    tokenizer: corpus.tokenizer,
  });
}

/** The corpus of one text in memory. */
export function corpusIn(
  { train, validation, begins, ...rest }:
    & {
      readonly train: Uint32Array;
      readonly validation: Uint32Array;
      readonly begins?: DocumentStarts;
    }
    & Omit<Corpus, "texts">,
): Corpus {
  return { ...rest, texts: [textIn({ train, validation }, { begins })] };
}
