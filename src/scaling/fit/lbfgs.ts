/**
 * L-BFGS: limited-memory quasi-Newton minimization of a smooth function. Source: Nocedal and
 * Wright, "Numerical Optimization" (2nd edition), algorithms 7.4 and 7.5. Invariant to the scale of
 * the objective: a sum and a mean take the same steps.
 */
import { type Objective, wolfeStep } from "./line_search.ts";

/** Result of a minimization. */
export interface Minimum {
  readonly x: Float64Array;
  readonly value: number;
  readonly steps: number;
  /** False if the step limit was reached. */
  readonly converged: boolean;
}

/** Number of stored pairs (step, gradient difference). */
const MEMORY = 10;
/** Convergence threshold: predicted decrease relative to the value. */
const GAIN = 1e-14;

/** Minimizes from `start`. @throws {RangeError} when the value is not finite there. */
export function minimize(
  objective: Objective,
  start: ArrayLike<number>,
  { steps: most = 1000, gain = GAIN }: { steps?: number; gain?: number } = {},
): Minimum {
  let x = Float64Array.from(start);
  let gradient = new Float64Array(x.length);
  let value = objective(x, gradient);
  if (!Number.isFinite(value)) {
    throw new RangeError(`Cannot minimize: need a finite value at the start: ${value}`);
  }
  const pairs: Pair[] = [];
  for (let steps = 0; steps < most; steps++) {
    const direction = descent(gradient, pairs, x);
    let slope = dot(gradient, direction);
    if (!(slope < 0) || -slope <= gain * Math.abs(value)) {
      return { x, value, steps, converged: true };
    }
    let next = wolfeStep(objective, { x, direction, value, slope });
    if (next === undefined && pairs.length > 0) {
      // The stored pairs may mislead after a kink: retry along the steepest descent.
      pairs.length = 0;
      const steepest = descent(gradient, pairs, x);
      slope = dot(gradient, steepest);
      next = wolfeStep(objective, { x, direction: steepest, value, slope });
    }
    // No step decreases the value in floating point.
    if (next === undefined) return { x, value, steps, converged: true };
    remember(pairs, { step: minus(next.x, x), change: minus(next.gradient, gradient) });
    ({ x, value, gradient } = next);
  }
  return { x, value, steps: most, converged: false };
}

interface Pair {
  readonly step: Float64Array;
  readonly change: Float64Array;
  readonly curvature: number;
}

/** Stores a pair if its curvature is positive. */
function remember(pairs: Pair[], { step, change }: Omit<Pair, "curvature">): void {
  const curvature = dot(step, change);
  if (!(curvature > 0)) return;
  pairs.push({ step, change, curvature });
  if (pairs.length > MEMORY) pairs.shift();
}

/** Search direction by the two-loop recursion. */
function descent(gradient: Float64Array, pairs: readonly Pair[], x: Float64Array): Float64Array {
  const q = new Float64Array(x.length);
  add(q, -1, gradient);
  const shares: number[] = [];
  for (let i = pairs.length - 1; i >= 0; i--) {
    const { step, change, curvature } = pairs[i] as Pair;
    const share = dot(step, q) / curvature;
    shares[i] = share;
    add(q, -share, change);
  }
  const last = pairs.at(-1);
  // Initial step: 0.1 * max(1, norm(x)), independent of the objective's scale.
  const scale = last === undefined
    ? 0.1 * Math.max(1, norm(x)) / (norm(gradient) || 1)
    : last.curvature / dot(last.change, last.change);
  for (let i = 0; i < q.length; i++) q[i] = (q[i] as number) * scale;
  for (let i = 0; i < pairs.length; i++) {
    const { step, change, curvature } = pairs[i] as Pair;
    add(q, (shares[i] as number) - dot(change, q) / curvature, step);
  }
  return q;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

function norm(a: Float64Array): number {
  return Math.sqrt(dot(a, a));
}

function minus(a: Float64Array, b: Float64Array): Float64Array {
  const out = new Float64Array(a);
  add(out, -1, b);
  return out;
}

function add(to: Float64Array, factor: number, what: Float64Array): void {
  for (let i = 0; i < to.length; i++) to[i] = (to[i] as number) + factor * (what[i] as number);
}
