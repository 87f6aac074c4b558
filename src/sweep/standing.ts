/**
 * How far each trial of a sweep has come, and what may be started next. Pure values and decisions;
 * who trains, and where, it does not know.
 */
import { beginnings, type Sibling, type TrunkShare } from "./trunk.ts";
import type { Job } from "./scheduler.ts";
import type { Trial } from "./types.ts";

/** A trial's place in the sweep. `rests` is what early stopping has not let go on. */
export type TrialState = "waits" | "runs" | "rests" | "done" | "failed";

/** A trial under way. */
export interface SweepStanding {
  readonly trial: Trial;
  readonly share: TrunkShare;
  /** Steps at which it stops for a decision; the last one is its end. */
  readonly rungs: readonly number[];
  state: TrialState;
  /** The rung that it goes to. */
  rung: number;
  /** Times that it was started since it last got anywhere. */
  tries: number;
  /** Steps that it has finished, as far as is known. */
  steps: number;
  /** Steps of its checkpoints, newest first. */
  checkpoints: readonly number[];
  /** Validation losses that its rungs ended with, by step, as the journal has them; null for none. */
  readonly losses: Map<number, number | null>;
  /** Seconds of its processes, of all calls. */
  seconds: number;
  trunk: { readonly key: string; readonly step: number } | null;
  reason: string | null;
}

/** The validation loss at a step: what was decided by stays, whatever becomes of the metrics. */
export function lossAt(
  { losses }: Pick<SweepStanding, "losses">,
  step: number,
  metrics: ReadonlyMap<number, number>,
): number | null {
  return losses.get(step) ?? metrics.get(step) ?? null;
}

/** The step that a trial goes to. */
export function untilOf({ rungs, rung }: SweepStanding): number {
  return rungs[rung] as number;
}

/** Whether a trial waits for its trunk: that will come to the step where it branches off. */
export function isHeld(one: SweepStanding, all: ReadonlyMap<string, SweepStanding>): boolean {
  const { share: { trunk }, checkpoints } = one;
  if (trunk === undefined || checkpoints.length > 0) return false;
  const other = all.get(trunk.key);
  if (other === undefined || other.checkpoints.includes(trunk.step)) return false;
  const isComing = other.state === "waits" || other.state === "runs";
  return isComing && (other.checkpoints[0] ?? 0) < trunk.step;
}

/** States that a trial without any of its own could begin with, the latest first. */
export function beginningsOf(
  { trial, checkpoints, state }: SweepStanding,
  siblings: readonly SweepStanding[],
): { readonly key: string; readonly step: number }[] {
  if (checkpoints.length > 0 || state === "done") return [];
  const others = siblings.filter((one) =>
    one.trial !== trial && one.trial.group === trial.group && one.checkpoints.length > 0
  );
  return beginnings(
    trial.config.optim,
    others.map(({ trial: { key, config }, checkpoints, share, state }): Sibling => ({
      key,
      optim: config.optim,
      // While it runs, only those that are kept for ever will still be there when they are read.
      steps: state === "runs" ? checkpoints.filter((s) => share.at.includes(s)) : checkpoints,
    })),
  );
}

/** FLOP that are left of a trial up to its rung, from the step where it would begin. */
export function remaining(one: SweepStanding, from: number): number {
  const { trial: { flops, config } } = one;
  return Math.max(0, untilOf(one) - from) * flops / config.steps;
}

/** What waits and is not held, as jobs. */
export function jobsOf(
  all: ReadonlyMap<string, SweepStanding>,
  { trunks, places }: { readonly trunks: boolean; readonly places: (trial: Trial) => number },
): Job[] {
  const list = Array.from(all.values());
  return list.filter((one) => one.state === "waits" && !isHeld(one, all)).map((one) => {
    const own = one.checkpoints[0] ?? 0;
    const from = own > 0 || !trunks ? own : beginningsOf(one, list)[0]?.step ?? 0;
    return {
      key: one.trial.key,
      flops: remaining(one, from),
      places: places(one.trial),
      bytes: places(one.trial) * one.trial.size.bytes,
      priority: one.rung,
    };
  });
}
