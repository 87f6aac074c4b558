/** Types shared by all fits: points, estimates, quality. */

/** One finished trial. Counts and losses are positive and finite. */
export interface ScalingPoint {
  /** Name for people. */
  readonly name: string;
  /** Parameters, by the chosen count. */
  readonly params: number;
  readonly tokens: number;
  readonly flops: number;
  /** Nats per token. */
  readonly loss: number;
}

/** An estimate with its bootstrap interval; null with too few draws. */
export interface Estimate {
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
  /** Not determined by the trials: printed with that word instead of its interval. */
  readonly undetermined?: true;
}

/** Bootstrap options: number of draws, seed, and confidence level, as 0.95. */
export interface BootstrapOptions {
  readonly draws: number;
  readonly seed: number;
  readonly level: number;
}

/** Bootstrap options with a progress callback. */
export interface BootstrapRun extends BootstrapOptions {
  /** Called with the current fit, the finished draws and their total. */
  readonly tell?: ((what: string, done: number, total: number) => void) | undefined;
}

/** Goodness of fit. All residuals are of log loss. */
export interface Quality {
  readonly points: number;
  /** 1 - sum of squared residuals / sum of squares about the mean. */
  readonly r2: number;
  /** Root of the mean squared residual. */
  readonly rms: number;
  readonly largest: number;
  /** The same of leave-one-out residuals. */
  readonly leave_one_out_rms: number;
  readonly leave_one_out_largest: number;
}
