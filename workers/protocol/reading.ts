/**
 * What a run is made from, as each of its processes holds it: the coordinator says it of what it read,
 * a worker of what it was sent and of the folders that it opened itself. Pure.
 */
import { hashValue, sha256 } from "../../src/base/hash.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { tokenizerHash } from "../../src/data/tokenizers/mod.ts";
import type { Corpus } from "../../src/corpus/corpus.ts";
import type { Identity } from "./identity.ts";
import type { SentText } from "./messages.ts";
import { proofsOf, tokenizerOf } from "../../src/corpus/folder_text.ts";

/** The parts of an identity that are known without a device. */
export function readIdentity(
  config: RunConfig,
  { corpus: { texts, vocabulary, tokenizer }, sent, numbers }: {
    readonly corpus: Corpus;
    readonly sent: readonly SentText[];
    /** The bytes behind the order that names the texts. */
    readonly numbers: Uint8Array;
  },
): Pick<Identity, "config" | "tokenizer" | "data"> {
  // The same folder may be reached by another path in a worker.
  const named = sent.map((text) => "folder" in text ? { ...text, folder: null } : text);
  return {
    config: hashValue(config),
    tokenizer: tokenizer === undefined ? tokenizerOf(texts) ?? "" : tokenizerHash(tokenizer),
    data: hashValue({ vocabulary, named, numbers: sha256(numbers), folders: proofsOf(texts) }),
  };
}
