/** Trials whose law is known: made from constants, with noise of a seed. */
import { normals } from "../../src/base/random.ts";
import { FLOP_PER_PARAM_TOKEN, type Law, lossOf } from "../../src/scaling/fit/law.ts";
import type { ScalingPoint } from "../../src/scaling/types.ts";

/** Constants like those of small models. */
export const TRUTH: Law = { E: 1.8, A: 400, B: 410, alpha: 0.34, beta: 0.3 };

/** A trial of a law; `noise` is what its log loss is off. */
export function trialOf(law: Law, params: number, tokens: number, noise = 0): ScalingPoint {
  return {
    name: `${params}x${tokens}`,
    params,
    tokens,
    flops: FLOP_PER_PARAM_TOKEN * params * tokens,
    loss: lossOf(law, { params, tokens }) * Math.exp(noise),
  };
}

/** Numbers from `first` on, each `factor` times the one before. */
export function spaced(first: number, factor: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.round(first * factor ** i));
}

/** Every size with every token count. */
export function gridOf(
  law: Law,
  { sizes = spaced(1e4, 3, 6), tokens = spaced(1e5, 3, 5), sigma = 0, seed = 0 } = {},
): ScalingPoint[] {
  const noise = normals([seed, 0x6e6f], sizes.length * tokens.length);
  return sizes.flatMap((n, i) =>
    tokens.map((d, k) => trialOf(law, n, d, sigma * (noise[i * tokens.length + k] as number)))
  );
}

/** Every budget at every size. */
export function isoflopOf(
  law: Law,
  { budgets, spread, count, sigma = 0, seed = 0 }: {
    budgets: readonly number[];
    /** The sizes of a budget lie within this factor of its best one. */
    spread: number;
    count: number;
    sigma?: number;
    seed?: number;
  },
  best: (flops: number) => number,
): ScalingPoint[] {
  const noise = normals([seed, 0x6e6f], budgets.length * count);
  return budgets.flatMap((flops, i) =>
    Array.from({ length: count }, (_, k) => {
      const params = best(flops) * spread ** (2 * k / (count - 1) - 1);
      const tokens = flops / FLOP_PER_PARAM_TOKEN / params;
      return trialOf(law, params, tokens, sigma * (noise[i * count + k] as number));
    })
  );
}
