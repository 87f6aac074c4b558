/**
 * L-BFGS: the minimum of a smooth function of a few numbers.
 * Source: Nocedal and Wright, "Numerical Optimization" (2nd edition), algorithms 7.4 and 7.5.
 * Nothing in it depends on the function's scale: a sum and a mean have the same minimum, found in
 * the same steps. It knows nothing of what is fitted.
 */
import { type Objective, wolfeStep } from "./line_search.ts";

/** Where a minimization ended. */
export interface Minimum {
  readonly x: Float64Array;
  readonly value: number;
  readonly steps: number;
  /** False where steps ran out first. */
  readonly converged: boolean;
}

/** Pairs of steps and gradient differences that are remembered. */
const MEMORY = 10;
/** Part of the value that the next step must promise to gain; below it there is none to gain. */
const GAIN = 1e-14;

/** The minimum that is reached from `start`. @throws {RangeError} where the value is not finite there. */
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
      // What was remembered may mislead behind a kink: once more along the gradient alone.
      pairs.length = 0;
      const steepest = descent(gradient, pairs, x);
      slope = dot(gradient, steepest);
      next = wolfeStep(objective, { x, direction: steepest, value, slope });
    }
    // No step is better in this arithmetic.
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

/** Keeps a pair where the function curves upwards along it. */
function remember(pairs: Pair[], { step, change }: Omit<Pair, "curvature">): void {
  const curvature = dot(step, change);
  if (!(curvature > 0)) return;
  pairs.push({ step, change, curvature });
  if (pairs.length > MEMORY) pairs.shift();
}

/** The direction of the two-loop recursion. */
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
  // The first step is a tenth of what x is large, whatever the function's unit.
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
