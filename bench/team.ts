/** A team of real worker processes that a bench leads step by step: no journal, no checkpoints. */
import { bytesOf } from "../src/base/hash.ts";
import type { RunConfig } from "../src/config/schema.ts";
import { RULES } from "../src/membership/types.ts";
import { Faults } from "../workers/faults/plan.ts";
import type { Corpus } from "../workers/replica.ts";
import { spawnCrew } from "../workers/spawn.ts";
import { Team } from "../workers/team.ts";

/** `config.workers` workers, whose shares stay as they are. */
export function benchTeam(config: RunConfig, corpus: Corpus): Team {
  const { train, validation, vocabulary } = corpus;
  const tokenizer = corpus.tokenizer?.toJSON() ?? null;
  const trainTokens = train.length;
  return new Team({
    launch: spawnCrew,
    workers: config.workers,
    rules: { ...RULES, microBatches: config.micro_batches, weighEvery: Infinity },
    faults: new Faults(),
    note: () => {},
    limit: () => 0,
    setUp: () => [
      { type: "setup", config, vocabulary, tokenizer, trainTokens, strikes: [] },
      bytesOf(Uint32Array.from([...train, ...validation])),
    ],
    part: () => {},
    interrupted: () => {},
    stop: new AbortController().signal,
    now: () => performance.now(),
  });
}
