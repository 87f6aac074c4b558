/**
 * Detects spikes of the loss or the gradient norm: z-scores from a running mean and variance. Pure.
 */

/** The watched values of a step. */
export interface Watched {
  readonly loss: number;
  readonly norm: number;
}

/** A spike. */
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

/** The state of the detector. */
export interface WatchState {
  /** Number of values so far. */
  readonly count: number;
  readonly loss: Moments;
  readonly norm: Moments;
}

/** Parameters of the detector. */
export interface WatchOptions {
  /** z-score above which it raises an alarm; 0 disables it. */
  readonly threshold: number;
  /** Values before the first alarm. Default 50. */
  readonly warmup?: number;
  /** Weight of the newest value in mean and variance, in (0, 1). Default 0.05. */
  readonly weight?: number;
}

/** The initial state. */
export const FRESH: WatchState = {
  count: 0,
  loss: { mean: 0, variance: 0 },
  norm: { mean: 0, variance: 0 },
};

/**
 * Least standard deviation as a fraction of the mean, so that a constant series raises no alarms.
 */
const MIN_DEVIATION = 1e-2;

const KINDS = ["loss", "norm"] as const;

/** Updates the detector with the values of one step; returns its next state and the alarms. */
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
  // A plain average of the first 1 / weight values, then exponential weighting.
  const share = Math.max(weight, 1 / (state.count + 1));
  const next = (what: keyof Watched) => {
    const alarm = alarms.find((a) => a.what === what);
    return alarm === undefined
      ? update(state[what], values[what], share)
      : update(state[what], clip(state[what], alarm, threshold), share);
  };
  return { state: { count: state.count + 1, loss: next("loss"), norm: next("norm") }, alarms };
}

/** z-score of `value`; 0 below the mean, infinite for NaN and infinity. */
function scoreOf({ mean, variance }: Moments, value: number): number {
  if (!Number.isFinite(value)) return Infinity;
  const deviation = Math.max(Math.sqrt(variance), MIN_DEVIATION * Math.abs(mean));
  return value <= mean ? 0 : (value - mean) / deviation;
}

/**
 * The value that enters the mean for a spike: clipped to the threshold. A single spike then does
 * not desensitise the detector, while a persistent level becomes the new mean.
 */
function clip({ mean }: Moments, { value, z }: Alarm, threshold: number): number {
  if (!Number.isFinite(value)) return mean;
  return mean + (value - mean) * threshold / z;
}

/**
 * Exponentially weighted mean and variance (Finch 2009, "Incremental calculation of weighted mean
 * and variance", section 9).
 */
function update({ mean, variance }: Moments, value: number, weight: number): Moments {
  if (!Number.isFinite(value)) return { mean, variance };
  const step = weight * (value - mean);
  return { mean: mean + step, variance: (1 - weight) * (variance + step * (value - mean)) };
}
