/**
 * Tokens per second over the last steps. Pure: whoever has the clock passes the seconds. The first
 * step, which compiles, leaves the window as soon as there is anything else to go by.
 */

/** Tokens so far at a moment, in seconds of any clock that only goes forward. */
export interface Mark {
  readonly tokens: number;
  readonly seconds: number;
}

/** The marks that a rate is taken from, oldest first. */
export interface Rate {
  /** Where training began, until two steps are done. */
  readonly marks: readonly Mark[];
  /** Steps that the rate spans at most. */
  readonly window: number;
  readonly steps: number;
}

/** A rate before the first step; `start` is where training begins. */
export function rateFrom(start: Mark, { window = 20 }: { window?: number } = {}): Rate {
  if (!Number.isSafeInteger(window) || window < 1) {
    throw new RangeError(`Cannot take a rate: the window must hold at least 1 step: ${window}`);
  }
  return { marks: [start], window, steps: 0 };
}

/** The rate with one more finished step. */
export function addStep(rate: Rate, mark: Mark): Rate {
  const steps = rate.steps + 1;
  // With two steps done, the mark before the first has served: it spans the compilation.
  const kept = steps === 2 ? rate.marks.slice(1) : rate.marks;
  return { ...rate, steps, marks: [...kept, mark].slice(-(rate.window + 1)) };
}

/** Tokens per second over the window; 0 before the first step or when no time has passed. */
export function tokensPerSecond({ marks }: Rate): number {
  const [first, last] = [marks[0], marks.at(-1)];
  if (first === undefined || last === undefined || last.seconds <= first.seconds) return 0;
  return (last.tokens - first.tokens) / (last.seconds - first.seconds);
}

/** What is left of a run. */
export interface Left {
  readonly step: number;
  readonly steps: number;
  readonly tokensPerStep: number;
  readonly tokensPerS: number;
}

/** Seconds until the last step, or undefined while there is no rate. */
export function secondsLeft(left: Left): number | undefined {
  if (!(left.tokensPerS > 0)) return undefined;
  return Math.max(0, left.steps - left.step) * left.tokensPerStep / left.tokensPerS;
}
