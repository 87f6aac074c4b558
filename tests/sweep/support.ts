/** Trials without data: sizes follow from the config alone. */
import type { GptConfig } from "../../src/models/gpt/mod.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import { expandSweep } from "../../src/sweep/expand.ts";
import { readSweep } from "../../src/sweep/read.ts";
import type { SweepInput } from "../../src/sweep/schema.ts";
import type { TrialProgress } from "../../src/sweep/trial_progress.ts";
import type { Size, Trial } from "../../src/sweep/types.ts";

/** 12 L D^2 parameters, as matrices of a transformer have them, and a table of 100 tokens. */
export function measure(
  { model, micro_batches, micro_batch_size: windows, data }: RunConfig,
): Promise<Size> {
  const { layers, width } = model as GptConfig;
  const matrices = 12 * layers * width ** 2;
  return Promise.resolve({
    counts: {
      all: matrices + 100 * width,
      no_embedding: matrices,
      matrices,
      per_layer: 12 * width ** 2,
    },
    tokensPerStep: micro_batches * windows * data.seq_len,
    bytes: 100 * matrices,
    faults: [],
  });
}

/** The trials of a sweep. */
export async function trialsOf(input: Partial<SweepInput>): Promise<readonly Trial[]> {
  const { trials, faults } = await expandSweep(readSweep({ name: "s", ...input }), measure);
  if (faults.length > 0) throw new Error(faults.map(({ fault }) => fault).join("; "));
  return trials;
}

/** A trial of some length, with wsd. */
export function trialOf(key: string, steps: number): Trial {
  const config = resolveConfig({
    steps,
    optim: { schedule: "wsd", warmup_steps: 0, decay_steps: steps },
  });
  const counts = { all: 1000, no_embedding: 900, matrices: 800, per_layer: 400 };
  const size = { counts, tokensPerStep: 10, bytes: 1e6, faults: [] };
  const tokens = 10 * steps;
  return {
    key,
    name: key,
    group: "g",
    axes: {},
    config,
    size,
    tokens,
    flops: 6000 * tokens,
  };
}

/** A trial; default state: waits. */
export function standing(trial: Trial, changes: Partial<TrialProgress> = {}): TrialProgress {
  return {
    trial,
    share: { at: [] },
    rungs: [trial.config.steps],
    state: "waits",
    rung: 0,
    tries: 0,
    steps: 0,
    checkpoints: [],
    losses: new Map(),
    seconds: 0,
    trunk: null,
    reason: null,
    ...changes,
  };
}
