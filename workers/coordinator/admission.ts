/** Compares the identity of every worker that joins a run, at any time, with that of the run. */
import { bytesOf } from "../../src/base/hash.ts";
import { once } from "../../src/base/once.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { needsTokenizer } from "../../src/data/sources/mod.ts";
import type { Corpus } from "../../src/corpus/corpus.ts";
import { AS_BEGUN, type Identity, identityDifferences, joinedBy } from "../protocol/identity.ts";
import { readIdentity } from "../protocol/reading.ts";
import { sendTexts } from "../protocol/texts.ts";

/** What a run is: what its coordinator knows, and what the first worker is on its device. */
export class Admission {
  readonly #begun: () => Partial<Identity>;
  #run: Partial<Identity> | undefined;

  constructor(config: RunConfig, corpus: Corpus) {
    // All tokens of a text in memory are hashed: not before there is a worker to compare with.
    this.#begun = once(() => {
      const { texts, tokens } = sendTexts(corpus.texts);
      const tokenizer = needsTokenizer(config.data) ? corpus.tokenizer : undefined;
      const held = { ...corpus, tokenizer };
      const numbers = bytesOf(tokens);
      return { code: AS_BEGUN, ...readIdentity(config, { corpus: held, sent: texts, numbers }) };
    });
  }

  /**
   * In what a worker is not as the run is, each in a few words; empty for one that may join. What the
   * run did not know of itself yet is from then on as it is in that worker.
   */
  differences(worker: Partial<Identity>): readonly string[] {
    const run = this.#run ?? this.#begun();
    const joined = joinedBy(run, worker);
    if (joined === undefined) return identityDifferences(run, worker);
    this.#run = joined;
    return [];
  }
}
