/** Progress of each trial of a sweep, and which trials may start next. Pure. */
import { branchPoints, type Sibling, type TrunkShare } from "./trunk.ts";
import type { Job } from "./scheduler.ts";
import type { Trial } from "./types.ts";

/** State of a trial. `rests`: paused by early stopping. */
export type TrialState = "waits" | "runs" | "rests" | "done" | "failed";

/** Mutable progress of a trial. */
export interface TrialProgress {
  readonly trial: Trial;
  readonly share: TrunkShare;
  /** Steps at which it pauses for a decision; the last one is its full length. */
  readonly rungs: readonly number[];
  state: TrialState;
  /** The rung that it trains to. */
  rung: number;
  /** Starts since its last progress. */
  tries: number;
  /** Finished steps, as far as known. */
  steps: number;
  /** Steps of its checkpoints, newest first. */
  checkpoints: readonly number[];
  /** Validation losses at rungs by step, from the journal; null: none. */
  readonly losses: Map<number, number | null>;
  /** Total seconds of its processes over all calls. */
  seconds: number;
  trunk: { readonly key: string; readonly step: number } | null;
  reason: string | null;
}

/**
 * The validation loss at a step. Losses in the journal take precedence over metrics, because
 * decisions were based on them.
 */
export function lossAt(
  { losses }: Pick<TrialProgress, "losses">,
  step: number,
  metrics: ReadonlyMap<number, number>,
): number | null {
  return losses.get(step) ?? metrics.get(step) ?? null;
}

/** The step that a trial trains to. */
export function untilOf({ rungs, rung }: TrialProgress): number {
  return rungs[rung] as number;
}

/** Whether a trial must wait until its trunk reaches the branch point. */
export function isHeld(one: TrialProgress, all: ReadonlyMap<string, TrialProgress>): boolean {
  const { share: { trunk }, checkpoints } = one;
  if (trunk === undefined || checkpoints.length > 0) return false;
  const other = all.get(trunk.key);
  if (other === undefined || other.checkpoints.includes(trunk.step)) return false;
  const isComing = other.state === "waits" || other.state === "runs";
  return isComing && (other.checkpoints[0] ?? 0) < trunk.step;
}

/** Checkpoints of siblings from which a trial without its own can start, latest first. */
export function branchPointsOf(
  { trial, checkpoints, state }: TrialProgress,
  siblings: readonly TrialProgress[],
): { readonly key: string; readonly step: number }[] {
  if (checkpoints.length > 0 || state === "done") return [];
  const others = siblings.filter((one) =>
    one.trial !== trial && one.trial.group === trial.group && one.checkpoints.length > 0
  );
  return branchPoints(
    trial.config.optim,
    others.map(({ trial: { key, config }, checkpoints, share, state }): Sibling => ({
      key,
      optim: config.optim,
      // A running trial may delete its other checkpoints before they are read.
      steps: state === "runs" ? checkpoints.filter((s) => share.at.includes(s)) : checkpoints,
    })),
  );
}

/** FLOP left up to the trial's rung, from its start step. */
export function remaining(one: TrialProgress, from: number): number {
  const { trial: { flops, config } } = one;
  return Math.max(0, untilOf(one) - from) * flops / config.steps;
}

/** Waiting trials that are not held, as jobs. */
export function jobsOf(
  all: ReadonlyMap<string, TrialProgress>,
  { trunks, places }: { readonly trunks: boolean; readonly places: (trial: Trial) => number },
): Job[] {
  const list = Array.from(all.values());
  return list.filter((one) => one.state === "waits" && !isHeld(one, all)).map((one) => {
    const own = one.checkpoints[0] ?? 0;
    const from = own > 0 || !trunks ? own : branchPointsOf(one, list)[0]?.step ?? 0;
    return {
      key: one.trial.key,
      flops: remaining(one, from),
      places: places(one.trial),
      bytes: places(one.trial) * one.trial.size.bytes,
      priority: one.rung,
    };
  });
}
