/**
 * The parts of an identity that come from config, tokenizer and data. The coordinator computes them of
 * what it read, a worker of what it received and of the folders that it opened itself. Pure.
 */
import { hashValue, sha256 } from "../../src/base/hash.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { tokenizerHash } from "../../src/data/tokenizers/mod.ts";
import type { Corpus } from "../../src/corpus/corpus.ts";
import type { Identity } from "./identity.ts";
import type { SentText } from "../../src/corpus/sent_texts.ts";
import { proofsOf, tokenizerOf } from "../../src/corpus/folder_text.ts";

/** The parts of an identity that are known without a device. */
export function readIdentity(
  config: RunConfig,
  { corpus: { texts, vocabulary, tokenizer }, sent, numbers }: {
    readonly corpus: Corpus;
    readonly sent: readonly SentText[];
    /** Payload of the `setup` order. */
    readonly numbers: Uint8Array;
  },
): Pick<Identity, "config" | "tokenizer" | "data"> {
  // A worker may reach the same folder by another path.
  const named = sent.map((text) => "folder" in text ? { ...text, folder: null } : text);
  return {
    config: hashValue(config),
    tokenizer: tokenizer === undefined ? tokenizerOf(texts) ?? "" : tokenizerHash(tokenizer),
    data: hashValue({ vocabulary, named, numbers: sha256(numbers), folders: proofsOf(texts) }),
  };
}
