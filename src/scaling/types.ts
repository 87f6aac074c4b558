/** What fits are made of: points, intervals, and the numbers that every fit states. */

/** One finished training. Counts and losses are positive and finite. */
export interface ScalingPoint {
  /** What people call it. */
  readonly name: string;
  /** Parameters, by the count that was chosen. */
  readonly params: number;
  readonly tokens: number;
  readonly flops: number;
  /** Nats per token. */
  readonly loss: number;
}

/** A number with the interval of its bootstrap; none where there were too few draws. */
export interface Estimate {
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
  /** The trials do not determine it: it is printed with that word, and without its interval. */
  readonly undetermined?: true;
}

/** How draws are made: their number, the seed, and the level of the intervals, as 0.95. */
export interface BootstrapOptions {
  readonly draws: number;
  readonly seed: number;
  readonly level: number;
}

/** How draws are made, and who hears of them. */
export interface Drawing extends BootstrapOptions {
  /** Told what is fitted, how many draws of it are done, and of how many. */
  readonly tell?: ((what: string, done: number, total: number) => void) | undefined;
}

/** How well a law fits the points it was fitted to. All residuals are of log loss. */
export interface Quality {
  readonly points: number;
  /** 1 - sum of squared residuals / sum of squares about the mean. */
  readonly r2: number;
  /** Root of the mean squared residual. */
  readonly rms: number;
  readonly largest: number;
  /** The same, each point predicted by a fit to the others. */
  readonly leave_one_out_rms: number;
  readonly leave_one_out_largest: number;
}
