/** Compares the identity of every worker that joins a run, at any time, with that of the run. */
import { bytesOf } from "../../src/base/hash.ts";
import { once } from "../../src/base/once.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { needsTokenizer } from "../../src/data/sources/mod.ts";
import type { Corpus } from "../../src/corpus/corpus.ts";
import { AS_BEGUN, type Identity, identityDifferences, joinedBy } from "../protocol/identity.ts";
import { readIdentity } from "../protocol/reading.ts";
import { sendTexts } from "../../src/corpus/sent_texts.ts";

/** The identity of a run: what its coordinator knows, completed by its first worker. */
export class Admission {
  readonly #begun: () => Partial<Identity>;
  #run: Partial<Identity> | undefined;

  constructor(config: RunConfig, corpus: Corpus) {
    // This hashes all tokens in memory, so it waits for the first worker to compare.
    this.#begun = once(() => {
      const { texts, tokens } = sendTexts(corpus.texts);
      const tokenizer = needsTokenizer(config.data) ? corpus.tokenizer : undefined;
      const held = { ...corpus, tokenizer };
      const numbers = bytesOf(tokens);
      return { code: AS_BEGUN, ...readIdentity(config, { corpus: held, sent: texts, numbers }) };
    });
  }

  /**
   * The differences between a worker's identity and the run's, each in a few words; empty for a worker
   * that may join. Such a worker fixes the parts of the run's identity that were unknown.
   */
  differences(worker: Partial<Identity>): readonly string[] {
    const run = this.#run ?? this.#begun();
    const joined = joinedBy(run, worker);
    if (joined === undefined) return identityDifferences(run, worker);
    this.#run = joined;
    return [];
  }
}
