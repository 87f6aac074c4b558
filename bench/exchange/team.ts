/**
 * A worker group of real processes that a bench drives step by step, without journal or
 * checkpoints.
 */
import type { RunConfig } from "../../src/config/schema.ts";
import { MEMBERSHIP_RULES } from "../../src/membership/types.ts";
import type { Corpus } from "../../src/corpus/corpus.ts";
import { setUp } from "../../workers/coordinator/setup.ts";
import { spawnWorkers } from "../../workers/launch/spawn.ts";
import { WorkerGroup } from "../../workers/group/worker_group.ts";

/** `config.workers` workers with fixed shares, on the device of `config`, which is not `auto`. */
export function benchTeam(config: RunConfig, corpus: Corpus): WorkerGroup {
  const { kind, checks } = config.device;
  if (kind === "auto") throw new RangeError("Cannot start workers: need a device: auto");
  return new WorkerGroup({
    launch: spawnWorkers,
    workers: config.workers,
    device: { kind, checks },
    rules: { ...MEMBERSHIP_RULES, microBatches: config.micro_batches, rebalanceEvery: Infinity },
    note: () => {},
    limit: () => 0,
    setUp: () => setUp(config, corpus),
    part: () => {},
    interrupted: () => {},
    stop: new AbortController().signal,
    now: () => performance.now(),
  });
}
