/** Forecasts the duration of a sweep from timed steps or finished trials. Pure. */
import { showSeconds } from "../report/format.ts";
import type { TrialRow } from "./rows.ts";
import type { Trial } from "./types.ts";

/** Remaining steps of a trial. */
export interface SweepWork {
  readonly steps: number;
  /** FLOP per step, by 6ND. */
  readonly stepFlops: number;
}

/** A step timed on an idle device. */
export interface TimedStep {
  readonly stepFlops: number;
  readonly seconds: number;
}

/** Remaining work of a trial from a step on. */
export function workOf({ flops, config: { steps } }: Trial, from: number): SweepWork {
  return { steps: Math.max(0, steps - from), stepFlops: flops / steps };
}

/** The trials with the smallest and largest FLOP per step; one if they are equal. */
export function extremes(trials: readonly Trial[]): Trial[] {
  const sorted = trials.toSorted((a, b) => workOf(a, 0).stepFlops - workOf(b, 0).stepFlops);
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last === undefined) return [];
  return workOf(first, 0).stepFlops === workOf(last, 0).stepFlops ? [first] : [first, last];
}

/**
 * Seconds of all work run serially. Models a step as constant overhead plus time per FLOP, from a
 * small and a large timed step.
 */
export function secondsBySteps(work: readonly SweepWork[], timed: readonly TimedStep[]): number {
  const [small, large = small] = timed;
  if (small === undefined || large === undefined) return NaN;
  const apart = large.stepFlops - small.stepFlops;
  const slope = apart > 0 ? (large.seconds - small.seconds) / apart : -1;
  // If the large step is not slower, steps are not compute-bound.
  const seconds = (stepFlops: number) =>
    slope >= 0 ? Math.max(0, small.seconds + slope * (stepFlops - small.stepFlops)) : large.seconds;
  return work.reduce((sum, { steps, stepFlops }) => sum + steps * seconds(stepFlops), 0);
}

/** FLOP per second of finished trials; undefined if there are none. */
export function flopsPerSecond(rows: readonly TrialRow[]): number | undefined {
  // Exclude branches, which did not compute the steps of their trunk.
  const told = rows.filter(({ status, seconds, trunk }) =>
    status === "done" && seconds > 0 && trunk === null
  );
  const total = (key: "flops" | "seconds") => told.reduce((sum, row) => sum + row[key], 0);
  return told.length === 0 ? undefined : total("flops") / total("seconds");
}

/** Progress of a sweep. */
export interface SweepProgress {
  /** Ended trials, and all trials. */
  readonly over: number;
  readonly trials: number;
  readonly running: readonly {
    readonly name: string;
    readonly step: number;
    readonly until: number;
  }[];
  /** FLOP done by this call, and FLOP left. */
  readonly done: number;
  readonly left: number;
}

/** Minimum seconds and fraction of the work before an estimate is shown. */
const ESTIMATE_FROM = { seconds: 20, share: 0.02 } as const;

/** `2/9 trials over  12 m 0 s, about 17 m 5 s left  lr=0.01 120/600, lr=0.02 30/600`. */
export function sweepText(progress: SweepProgress, seconds: number): string {
  const { over, trials, running, done, left } = progress;
  const hasEstimate = seconds >= ESTIMATE_FROM.seconds &&
    done >= ESTIMATE_FROM.share * (done + left) && left > 0;
  const rest = hasEstimate ? `, about ${showSeconds(seconds * left / done)} left` : "";
  const each = running.map(({ name, step, until }) => `${name} ${step}/${until}`);
  return [`${over}/${trials} trials over`, showSeconds(seconds) + rest, each.join(", ")].join("  ")
    .trimEnd();
}
