/**
 * Which trials may begin where another one has been. With a warmup-stable-decay schedule, runs that
 * differ in their length alone compute the same steps until the shorter one's decay begins; the
 * longest one is the trunk, and the others branch off its checkpoints. Pure: plans, no files.
 */
import { hashValue } from "../base/hash.ts";
import type { OptimConfig } from "../optim/schema.ts";
import { learningRate, stableSteps } from "../optim/schedule.ts";
import type { Trial } from "./types.ts";
import type { TrialFault } from "./expand.ts";

/** What a trial has to do with the others of its group. */
export interface TrunkShare {
  /** Steps whose checkpoints it keeps, for branches of now and of later. */
  readonly at: readonly number[];
  /** The trial that it branches off, and the step before which both are one. */
  readonly trunk?: { readonly key: string; readonly step: number };
}

/** A state that a trial could begin with: checkpoints of a sibling. */
export interface Sibling {
  readonly key: string;
  readonly optim: OptimConfig;
  /** Steps of its checkpoints. */
  readonly steps: readonly number[];
}

/** The share of each trial, by key, and which trials cannot take part. */
export function trunkShares(
  trials: readonly Trial[],
): { readonly shares: ReadonlyMap<string, TrunkShare>; readonly faults: readonly TrialFault[] } {
  const found = new Map<string, TrunkShare>();
  const faults: TrialFault[] = [];
  for (const group of Map.groupBy(trials, (trial) => trial.group).values()) {
    const sorted = group.toSorted((a, b) => b.config.steps - a.config.steps);
    const trunk = sorted[0] as Trial;
    const at = new Set<number>();
    for (const trial of sorted) {
      const fault = faultOf(trunk, trial);
      if (fault !== undefined) faults.push({ name: trial.name, fault });
      const step = stableSteps(trial.config.optim);
      if (step < 1) continue;
      at.add(step);
      if (trial === trunk) continue;
      found.set(trial.key, { at: [step], trunk: { key: trunk.key, step } });
    }
    found.set(trunk.key, { at: Array.from(at).sort((a, b) => a - b) });
    for (const { key } of sorted) if (!found.has(key)) found.set(key, { at: [] });
  }
  return { shares: found, faults };
}

function faultOf(trunk: Trial, { config: { optim, steps } }: Trial): string | undefined {
  if (optim.schedule !== "wsd") {
    return `optim.schedule: need wsd to share a trunk: ${optim.schedule}`;
  }
  const end = Math.min(stableSteps(optim), steps);
  const differs = firstDifference(trunk.config.optim, optim, end);
  return differs === undefined
    ? undefined
    : `optim: need the learning rates of its trunk before step ${end}: those of step ${differs} differ`;
}

/** The first step before `end` at which two rates differ. */
export function firstDifference(a: OptimConfig, b: OptimConfig, end: number): number | undefined {
  for (let step = 0; step < end; step++) {
    if (learningRate(step, a) !== learningRate(step, b)) return step;
  }
  return undefined;
}

/** Where a trial may begin: states of siblings that are its own as well, the latest first. */
export function beginnings(
  optim: OptimConfig,
  siblings: readonly Sibling[],
): { readonly key: string; readonly step: number }[] {
  return siblings.flatMap((sibling) => {
    const shared = sharedSteps(sibling.optim, optim);
    return sibling.steps.filter((step) => step > 0 && step <= shared)
      .map((step) => ({ key: sibling.key, step }));
  }).sort((a, b) => b.step - a.step);
}

/** Steps from the first on that two optimizers make alike: none unless they differ in length alone. */
export function sharedSteps(a: OptimConfig, b: OptimConfig): number {
  if (a.schedule !== "wsd") return 0;
  const ofAnyLength = (optim: OptimConfig) => hashValue({ ...optim, decay_steps: null });
  return ofAnyLength(a) === ofAnyLength(b) ? Math.min(stableSteps(a), stableSteps(b)) : 0;
}
