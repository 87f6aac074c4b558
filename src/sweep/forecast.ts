/** How long a sweep will take, from steps that were timed or trials that are finished. Pure. */
import { showSeconds } from "../report/format.ts";
import type { TrialRow } from "./rows.ts";
import type { Trial } from "./types.ts";

/** Steps of a trial that are to be done. */
export interface SweepWork {
  readonly steps: number;
  /** FLOP of one of them, by 6ND. */
  readonly stepFlops: number;
}

/** A step that was timed on a device with nothing else to do. */
export interface TimedStep {
  readonly stepFlops: number;
  readonly seconds: number;
}

/** What a trial has to do from a step on. */
export function workOf({ flops, config: { steps } }: Trial, from: number): SweepWork {
  return { steps: Math.max(0, steps - from), stepFlops: flops / steps };
}

/** The smallest and the largest of some trials by the FLOP of a step; one where they are alike. */
export function extremes(trials: readonly Trial[]): Trial[] {
  const sorted = trials.toSorted((a, b) => workOf(a, 0).stepFlops - workOf(b, 0).stepFlops);
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last === undefined) return [];
  return workOf(first, 0).stepFlops === workOf(last, 0).stepFlops ? [first] : [first, last];
}

/**
 * Seconds of all work, one trial after the other. A step takes some time whatever its size and some
 * for each FLOP: the two follow from a small and a large step that were timed.
 */
export function secondsBySteps(work: readonly SweepWork[], timed: readonly TimedStep[]): number {
  const [small, large = small] = timed;
  if (small === undefined || large === undefined) return NaN;
  const apart = large.stepFlops - small.stepFlops;
  const slope = apart > 0 ? (large.seconds - small.seconds) / apart : -1;
  // A large step that was not slower than a small one tells that neither waits for arithmetic.
  const seconds = (stepFlops: number) =>
    slope >= 0 ? Math.max(0, small.seconds + slope * (stepFlops - small.stepFlops)) : large.seconds;
  return work.reduce((sum, { steps, stepFlops }) => sum + steps * seconds(stepFlops), 0);
}

/** FLOP that processes of finished trials did in a second each; undefined where none tells. */
export function flopsPerSecond(rows: readonly TrialRow[]): number | undefined {
  // A branch did not compute what its trunk did.
  const told = rows.filter(({ status, seconds, trunk }) =>
    status === "done" && seconds > 0 && trunk === null
  );
  const total = (key: "flops" | "seconds") => told.reduce((sum, row) => sum + row[key], 0);
  return told.length === 0 ? undefined : total("flops") / total("seconds");
}

/** How far a sweep is. */
export interface SweepProgress {
  /** Trials that have ended, and all. */
  readonly over: number;
  readonly trials: number;
  readonly running: readonly {
    readonly name: string;
    readonly step: number;
    readonly until: number;
  }[];
  /** FLOP that this call has done, and that are left. */
  readonly done: number;
  readonly left: number;
}

/** Seconds and share of the work from which a pace tells how long the rest will take. */
const TOLD = { seconds: 20, share: 0.02 } as const;

/** `2/9 trials over  12 m 0 s, about 17 m 5 s left  lr=0.01 120/600, lr=0.02 30/600`. */
export function sweepText(progress: SweepProgress, seconds: number): string {
  const { over, trials, running, done, left } = progress;
  const isTold = seconds >= TOLD.seconds && done >= TOLD.share * (done + left) && left > 0;
  const rest = isTold ? `, about ${showSeconds(seconds * left / done)} left` : "";
  const each = running.map(({ name, step, until }) => `${name} ${step}/${until}`);
  return [`${over}/${trials} trials over`, showSeconds(seconds) + rest, each.join(", ")].join("  ")
    .trimEnd();
}
