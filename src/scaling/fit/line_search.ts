/**
 * Line search for a step that satisfies the strong Wolfe conditions. Source: Nocedal and Wright,
 * "Numerical Optimization" (2nd edition), algorithms 3.5 and 3.6, the trial point of equation 3.59.
 */

/** A function's value at `x`; writes its gradient into `gradient`. */
export type Objective = (x: Float64Array, gradient: Float64Array) => number;

/** Start of a search: point, direction, value, and directional derivative. */
export interface Ray {
  readonly x: Float64Array;
  readonly direction: Float64Array;
  readonly value: number;
  readonly slope: number;
}

/** A point with its value and gradient. */
export interface StepReached {
  readonly x: Float64Array<ArrayBuffer>;
  readonly value: number;
  readonly gradient: Float64Array<ArrayBuffer>;
}

/** An end of the bracketing interval. */
interface Bound {
  readonly value: number;
  readonly length: number;
  readonly slope: number;
}

type Trial = StepReached & Bound;

/** Constants of the sufficient decrease (c1) and curvature (c2) conditions. */
const GAIN = 1e-4;
const SLOPE = 0.9;
const TRIALS = 40;

/**
 * A point that satisfies both conditions, else the lowest one found; undefined if none is below the
 * start.
 */
export function wolfeStep(objective: Objective, ray: Ray): Trial | undefined {
  const { value, slope } = ray;
  let best: Trial | undefined;
  const at = (length: number): Trial => {
    const trial = trialAt(objective, ray, length);
    if (trial.value < (best?.value ?? value)) best = trial;
    return trial;
  };
  const falls = (t: Trial) => t.value <= value + GAIN * t.length * slope;
  const flat = (t: Trial) => Math.abs(t.slope) <= -SLOPE * slope;
  let low: Bound = { value, slope, length: 0 };
  let high: Bound | undefined;
  let length = 1;
  for (let i = 0; i < TRIALS; i++) {
    const trial = at(length);
    if (!Number.isFinite(trial.value) || !falls(trial) || trial.value >= low.value) high = trial;
    else if (flat(trial)) return trial;
    else {
      // The slope changed sign: the old low end becomes the other end.
      if (trial.slope * ((high?.length ?? Infinity) - low.length) >= 0) high = low;
      low = trial;
    }
    if (high === undefined) length *= 2;
    else if (Math.abs(high.length - low.length) <= 1e-15 * Math.abs(low.length)) break;
    else length = between(low, high);
  }
  return best;
}

function trialAt(objective: Objective, { x, direction }: Ray, length: number): Trial {
  const point = new Float64Array(x.length);
  const gradient = new Float64Array(x.length);
  for (let i = 0; i < x.length; i++) {
    point[i] = (x[i] as number) + length * (direction[i] as number);
  }
  const value = objective(point, gradient);
  let slope = 0;
  for (let i = 0; i < x.length; i++) slope += (gradient[i] as number) * (direction[i] as number);
  return { x: point, value, gradient, length, slope };
}

/** Minimizer of the cubic interpolant if it is well inside the interval, else the midpoint. */
function between(low: Bound, high: Bound): number {
  const width = high.length - low.length;
  const middle = low.length + width / 2;
  const d1 = low.slope + high.slope - 3 * (low.value - high.value) / (low.length - high.length);
  const d2 = Math.sign(width) * Math.sqrt(d1 ** 2 - low.slope * high.slope);
  const length = high.length - width * (high.slope + d2 - d1) / (high.slope - low.slope + 2 * d2);
  const part = (length - low.length) / width;
  return part >= 0.05 && part <= 0.95 ? length : middle;
}
