/**
 * The form shared by all fits: L = E + sum over k of A_k / x_k^alpha_k, fitted to log L under the
 * Huber loss. Source: Hoffmann et al., "Training Compute-Optimal Large Language Models" (2022),
 * section 3.3 and appendix D.3.
 */
import { maxOf } from "../../base/extremes.ts";
import { minimize, type Minimum } from "./lbfgs.ts";
import type { Objective } from "./line_search.ts";

/** Huber delta of residuals of log L: Hoffmann et al., section 3.3. */
export const DELTA = 1e-3;

/** Fit data: logs of features and of losses per point. */
export interface PowerData {
  /** Centred logs, one row per feature: centring conditions the fit. */
  readonly logs: readonly Float64Array[];
  /** Mean of each feature's logs. */
  readonly means: readonly number[];
  readonly logLoss: Float64Array;
}

/** Constants of a law: a term A / x^alpha per feature, and E. */
export interface PowerSum {
  readonly E: number;
  readonly terms: readonly { readonly A: number; readonly alpha: number }[];
}

/** Data from features and losses. */
export function powerData(
  features: readonly (readonly number[])[],
  losses: readonly number[],
): PowerData {
  const rows = features.map((row) => Float64Array.from(row, Math.log));
  const means = rows.map((row) => row.reduce((sum, v) => sum + v, 0) / row.length);
  return {
    logs: rows.map((row, k) => row.map((v) => v - (means[k] as number))),
    means,
    logLoss: Float64Array.from(losses, Math.log),
  };
}

/**
 * Objective: sum of Huber losses of log L at [log A_0', alpha_0, log A_1', alpha_1, ..., log E],
 * where A' is A at the feature's mean. Point i has weight `weights[i]`.
 */
export function huberSum(data: PowerData, weights?: ArrayLike<number>): Objective {
  const { logs, logLoss } = data;
  const terms = logs.length;
  const exps = new Float64Array(terms + 1);
  return (theta, gradient) => {
    gradient.fill(0);
    const e = theta[2 * terms] as number;
    let sum = 0;
    for (let i = 0; i < logLoss.length; i++) {
      const weight = weights === undefined ? 1 : weights[i] as number;
      if (weight === 0) continue;
      let top = e;
      for (let k = 0; k < terms; k++) {
        const exponent = (theta[2 * k] as number) -
          (theta[2 * k + 1] as number) * ((logs[k] as Float64Array)[i] as number);
        exps[k] = exponent;
        if (exponent > top) top = exponent;
      }
      exps[terms] = e;
      let total = 0;
      for (let k = 0; k <= terms; k++) {
        const part = Math.exp((exps[k] as number) - top);
        exps[k] = part;
        total += part;
      }
      const residual = top + Math.log(total) - (logLoss[i] as number);
      const size = Math.abs(residual);
      sum += weight * (size <= DELTA ? residual * residual / 2 : DELTA * (size - DELTA / 2));
      const push = weight * Math.max(-DELTA, Math.min(DELTA, residual)) / total;
      for (let k = 0; k < terms; k++) {
        const share = push * (exps[k] as number);
        gradient[2 * k] = (gradient[2 * k] as number) + share;
        gradient[2 * k + 1] = (gradient[2 * k + 1] as number) -
          share * ((logs[k] as Float64Array)[i] as number);
      }
      gradient[2 * terms] = (gradient[2 * terms] as number) + push * (exps[terms] as number);
    }
    return sum;
  };
}

/** Log of the law's loss at a point, by log-sum-exp: constants may overflow. */
export function logLossAt(
  theta: ArrayLike<number>,
  { logs }: PowerData,
  point: number,
): number {
  const exponents = logs.map((row, k) =>
    (theta[2 * k] as number) - (theta[2 * k + 1] as number) * (row[point] as number)
  );
  exponents.push(theta[2 * logs.length] as number);
  const top = maxOf(exponents);
  return top + Math.log(exponents.reduce((sum, exponent) => sum + Math.exp(exponent - top), 0));
}

/** The constants of parameters `theta`. */
export function constantsOf(theta: ArrayLike<number>, { means }: PowerData): PowerSum {
  return {
    E: Math.exp(theta[2 * means.length] as number),
    terms: means.map((mean, k) => {
      const alpha = theta[2 * k + 1] as number;
      return { A: Math.exp((theta[2 * k] as number) + alpha * mean), alpha };
    }),
  };
}

/** Converts a start [log A_0, alpha_0, ..., log E] to centred parameters `theta`. */
export function centred(start: readonly number[], { means }: PowerData): Float64Array {
  const theta = Float64Array.from(start);
  means.forEach((mean, k) => {
    theta[2 * k] = (theta[2 * k] as number) - (theta[2 * k + 1] as number) * mean;
  });
  return theta;
}

/** The law's loss at a point of features. */
export function powerSumLoss({ E, terms }: PowerSum, features: readonly number[]): number {
  return terms.reduce((sum, { A, alpha }, k) => sum + A / (features[k] as number) ** alpha, E);
}

/** Result of a multi-start fit. */
export interface Fit {
  readonly best: Minimum;
  /** Distinct minima, best first, as starts for refits. */
  readonly seeds: readonly Float64Array[];
  /** Starts within 0.1 % of the lowest value. */
  readonly agree: number;
}

/** Limits of the first, coarse round. */
const ROUGH = { gain: 1e-6, steps: 100 } as const;
/** Number of coarse minima to refine. */
const FOLLOWED = 8;

/** Multi-start fit: a coarse round from all starts, then the lowest minima to convergence. */
export function fitFrom(
  data: PowerData,
  starts: readonly Float64Array[],
  weights?: ArrayLike<number>,
): Fit {
  const objective = huberSum(data, weights);
  const lowest = (a: Minimum, b: Minimum) => a.value - b.value;
  const rough = starts.map((start) => minimize(objective, start, ROUGH)).sort(lowest);
  const minima = distinct(rough, FOLLOWED).map(({ x }) => minimize(objective, x)).sort(lowest);
  const [best] = minima;
  if (best === undefined) throw new RangeError("Cannot fit: need a start: none");
  return {
    best,
    seeds: distinct(minima, 3).map(({ x }) => x),
    agree: rough.filter(({ value }) => value <= best.value * 1.001).length,
  };
}

/** The first `most` distinct minima. */
function distinct(minima: readonly Minimum[], most: number): Minimum[] {
  const found: Minimum[] = [];
  for (const minimum of minima) {
    if (found.length === most) break;
    if (found.every(({ x }) => apart(x, minimum.x))) found.push(minimum);
  }
  return found;
}

/**
 * Whether two minima are different laws. E is compared on a linear scale: tiny values are
 * equivalent.
 */
function apart(a: Float64Array, b: Float64Array): boolean {
  const last = a.length - 1;
  return a.some((v, i) => {
    const [one, other] = [v, b[i] as number];
    const gap = i === last ? Math.exp(one) - Math.exp(other) : one - other;
    return Math.abs(gap) > 1e-3 * Math.max(1, Math.abs(one));
  });
}
