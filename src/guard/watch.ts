/**
 * Notices a loss or a gradient norm that jumps: its distance from a running mean, in running
 * standard deviations. Pure: a state goes in and comes out. It decides nothing about the run.
 */

/** What is watched. */
export interface Watched {
  readonly loss: number;
  readonly norm: number;
}

/** A jump. */
export interface Alarm {
  readonly what: keyof Watched;
  readonly value: number;
  /** Standard deviations above the mean. */
  readonly z: number;
}

/** Running mean and variance of one number. */
export interface Moments {
  readonly mean: number;
  readonly variance: number;
}

/** What a watch remembers. */
export interface WatchState {
  /** Values seen. */
  readonly count: number;
  readonly loss: Moments;
  readonly norm: Moments;
}

/** How a watch looks. */
export interface WatchOptions {
  /** z above which it raises an alarm; 0 never does. */
  readonly threshold: number;
  /** Values that it must have seen before it raises an alarm. */
  readonly warmup?: number;
  /** Weight of the newest value in mean and variance, in (0, 1). */
  readonly weight?: number;
}

/** A watch that has seen nothing. */
export const FRESH: WatchState = {
  count: 0,
  loss: { mean: 0, variance: 0 },
  norm: { mean: 0, variance: 0 },
};

/** A deviation below this share of the mean is no jump, however even the values before were. */
const LEAST_DEVIATION = 1e-2;

const KINDS = ["loss", "norm"] as const;

/** Looks at the values of one step: the next state, and what jumped. */
export function watch(
  state: WatchState,
  values: Watched,
  { threshold, warmup = 50, weight = 0.05 }: WatchOptions,
): { state: WatchState; alarms: readonly Alarm[] } {
  const alarms = KINDS.flatMap((what): Alarm[] => {
    const z = scoreOf(state[what], values[what]);
    const armed = threshold > 0 && state.count >= warmup;
    return armed && !(z <= threshold) ? [{ what, value: values[what], z }] : [];
  });
  // Until there are 1 / weight values each counts alike: the first ones have no older ones to decay.
  const share = Math.max(weight, 1 / (state.count + 1));
  const next = (what: keyof Watched) => {
    const alarm = alarms.find((a) => a.what === what);
    return alarm === undefined
      ? follow(state[what], values[what], share)
      : follow(state[what], tame(state[what], alarm, threshold), share);
  };
  return { state: { count: state.count + 1, loss: next("loss"), norm: next("norm") }, alarms };
}

/** Standard deviations of `value` above the mean; falling is no jump. NaN and infinity are. */
function scoreOf({ mean, variance }: Moments, value: number): number {
  if (!Number.isFinite(value)) return Infinity;
  const deviation = Math.max(Math.sqrt(variance), LEAST_DEVIATION * Math.abs(mean));
  return value <= mean ? 0 : (value - mean) / deviation;
}

/**
 * What of a jump enters the mean: as much as would just not have raised an alarm. So a single one
 * does not blind the watch, and a level that stays becomes the usual one.
 */
function tame({ mean }: Moments, { value, z }: Alarm, threshold: number): number {
  if (!Number.isFinite(value)) return mean;
  return mean + (value - mean) * threshold / z;
}

/**
 * Exponentially weighted mean and variance (Finch 2009, "Incremental calculation of weighted mean
 * and variance", section 9).
 */
function follow({ mean, variance }: Moments, value: number, weight: number): Moments {
  if (!Number.isFinite(value)) return { mean, variance };
  const step = weight * (value - mean);
  return { mean: mean + step, variance: (1 - weight) * (variance + step * (value - mean)) };
}
