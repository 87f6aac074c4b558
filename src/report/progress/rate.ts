/**
 * Tokens per second over the last steps. Pure: the caller passes the time. The first step, which
 * includes compilation, leaves the window as soon as there is a second one.
 */

/** Tokens so far at a time, in seconds of a monotonic clock. */
export interface Mark {
  readonly tokens: number;
  readonly seconds: number;
}

/** The samples of a rate, oldest first. */
export interface Rate {
  /** Includes the start of training until two steps are done. */
  readonly marks: readonly Mark[];
  /** Most steps that the rate spans. */
  readonly window: number;
  readonly steps: number;
}

/** A rate before the first step; `start` is the start of training. */
export function rateFrom(start: Mark, { window = 20 }: { window?: number } = {}): Rate {
  if (!Number.isSafeInteger(window) || window < 1) {
    throw new RangeError(`Cannot take a rate: the window must hold at least 1 step: ${window}`);
  }
  return { marks: [start], window, steps: 0 };
}

/** The rate with one more finished step. */
export function addStep(rate: Rate, mark: Mark): Rate {
  const steps = rate.steps + 1;
  // From the second step on, drop the first interval: it includes compilation.
  const kept = steps === 2 ? rate.marks.slice(1) : rate.marks;
  return { ...rate, steps, marks: [...kept, mark].slice(-(rate.window + 1)) };
}

/** Tokens per second over the window; 0 before the first step or if no time has passed. */
export function tokensPerSecond({ marks }: Rate): number {
  const [first, last] = [marks[0], marks.at(-1)];
  if (first === undefined || last === undefined || last.seconds <= first.seconds) return 0;
  return (last.tokens - first.tokens) / (last.seconds - first.seconds);
}

/** The rest of a run. */
export interface Left {
  readonly step: number;
  readonly steps: number;
  readonly tokensPerStep: number;
  readonly tokensPerS: number;
}

/** Seconds until the last step; undefined without a rate. */
export function secondsLeft(left: Left): number | undefined {
  if (!(left.tokensPerS > 0)) return undefined;
  return Math.max(0, left.steps - left.step) * left.tokensPerStep / left.tokensPerS;
}
