/** What a run reads, as its processes hold it, and the source of batches that it makes. */
import type { Key } from "../base/random.ts";
import type { RunConfig } from "../config/schema.ts";
import type { Source } from "../data/source.ts";
import { sourceOf } from "../data/sources/mod.ts";
import { type Begins, type Text, textIn } from "../data/text.ts";
import type { Tokenizer } from "../data/tokenizers/types.ts";

/** Stands where the hash of a text stands otherwise: there was none. */
export const NO_DATA = "0".repeat(64);

/** What a run reads; a source that makes its own tokens reads nothing. */
export interface Corpus {
  readonly texts: readonly Text[];
  /** Distinct tokens of the texts, 0 where none is read. */
  readonly vocabulary: number;
  readonly tokenizer?: Tokenizer | undefined;
}

/** The source of a run's batches, in the order that `key` draws. @throws {Refusal} `data` */
export function sourceIn(config: RunConfig, corpus: Corpus, key: Key): Source {
  return sourceOf(config.data, {
    key,
    microBatches: config.micro_batches,
    windows: config.micro_batch_size,
    evaluation: config.eval,
    texts: corpus.texts,
    tokenizer: corpus.tokenizer,
  });
}

/** What a run reads of one text in memory. */
export function corpusIn(
  { train, validation, begins, ...rest }:
    & { readonly train: Uint32Array; readonly validation: Uint32Array; readonly begins?: Begins }
    & Omit<Corpus, "texts">,
): Corpus {
  return { ...rest, texts: [textIn({ train, validation }, { begins })] };
}
