/**
 * Plans which trials start from another trial's checkpoint. With a warmup-stable-decay schedule,
 * trials that differ only in length compute the same steps until the shorter one's decay begins:
 * the longest is the trunk, and the others branch off its checkpoints. Pure.
 */
import { hashValue } from "../base/hash.ts";
import type { OptimConfig } from "../optim/mod.ts";
import { learningRate, stableSteps } from "../optim/schedule.ts";
import type { Trial } from "./types.ts";
import type { TrialFault } from "./expand.ts";

/** A trial's role in its group. */
export interface TrunkShare {
  /** Steps whose checkpoints it keeps for branches. */
  readonly at: readonly number[];
  /** Its trunk, and the branch point up to which both are identical. */
  readonly trunk?: { readonly key: string; readonly step: number };
}

/** A sibling and its checkpoints. */
export interface Sibling {
  readonly key: string;
  readonly optim: OptimConfig;
  /** Steps of its checkpoints. */
  readonly steps: readonly number[];
}

/** The role of each trial by key, and the trials that cannot share a trunk. */
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

/** The first step before `end` at which two learning rates differ. */
export function firstDifference(a: OptimConfig, b: OptimConfig, end: number): number | undefined {
  for (let step = 0; step < end; step++) {
    if (learningRate(step, a) !== learningRate(step, b)) return step;
  }
  return undefined;
}

/** Sibling checkpoints that are valid starts of a trial, latest first. */
export function branchPoints(
  optim: OptimConfig,
  siblings: readonly Sibling[],
): { readonly key: string; readonly step: number }[] {
  return siblings.flatMap((sibling) => {
    const shared = sharedSteps(sibling.optim, optim);
    return sibling.steps.filter((step) => step > 0 && step <= shared)
      .map((step) => ({ key: sibling.key, step }));
  }).sort((a, b) => b.step - a.step);
}

/**
 * Number of leading steps that are identical under two optimizer configs: 0 unless they differ only
 * in length.
 */
export function sharedSteps(a: OptimConfig, b: OptimConfig): number {
  if (a.schedule !== "wsd") return 0;
  const ofAnyLength = (optim: OptimConfig) => hashValue({ ...optim, decay_steps: null });
  return ofAnyLength(a) === ofAnyLength(b) ? Math.min(stableSteps(a), stableSteps(b)) : 0;
}
