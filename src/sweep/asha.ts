/**
 * Asynchronous successive halving (Li et al. 2020, "A System for Massively Parallel Hyperparameter
 * Tuning", algorithm 2): the best 1 / `eta` of the trials at a rung are promoted to the next. Pure.
 */
import { maxOf } from "../base/extremes.ts";
import type { Asha } from "./schema.ts";

/** A trial's loss at a rung; rungs count from 0. */
export interface RungReached {
  readonly key: string;
  readonly rung: number;
  /** Validation loss there, in nats per token; null ranks last. */
  readonly loss: number | null;
}

/** A decision to promote a trial. */
export interface Promotion {
  readonly key: string;
  /** The rung promoted to. */
  readonly rung: number;
  readonly reason: string;
}

/** Steps of the rungs: `min_steps` times powers of `eta`, then the trial's full length. */
export function rungsOf(steps: number, { min_steps, eta }: Asha): number[] {
  const rungs: number[] = [];
  for (let at = min_steps; at < steps; at *= eta) rungs.push(at);
  return [...rungs, steps];
}

/**
 * Promotes the best trial of the highest rung reached, unless a trial was already promoted beyond:
 * otherwise a small sweep would end without a fully trained trial.
 */
export function finalist(
  reached: readonly RungReached[],
  { promoted, rungs }: { readonly promoted: ReadonlyMap<string, number>; readonly rungs: number },
): Promotion | undefined {
  const top = maxOf(reached.map(({ rung }) => rung));
  if (Array.from(promoted.values()).some((rung) => rung > top || rung === rungs - 1)) {
    return undefined;
  }
  const best = ranked(reached, top)[0];
  if (best === undefined || best.loss === null) return undefined;
  const reason = `the best at rung ${top}, and nobody is beyond: val loss ${best.loss}`;
  return { key: best.key, rung: top + 1, reason };
}

/** Trials at a rung, lowest loss first. */
function ranked(reached: readonly RungReached[], rung: number): RungReached[] {
  return reached.filter((one) => one.rung === rung)
    .toSorted((a, b) => (a.loss ?? Infinity) - (b.loss ?? Infinity) || (a.key < b.key ? -1 : 1));
}

/**
 * The next promotion, from the highest rung that has one; undefined if there is none. `promoted`:
 * highest rung that each trial was promoted to.
 */
export function promotion(
  reached: readonly RungReached[],
  { promoted, rungs, eta }: {
    readonly promoted: ReadonlyMap<string, number>;
    /** Number of rungs. */
    readonly rungs: number;
    readonly eta: number;
  },
): Promotion | undefined {
  for (let rung = rungs - 2; rung >= 0; rung--) {
    const here = ranked(reached, rung);
    const share = Math.floor(here.length / eta);
    const place = here.findIndex(({ key, loss }, i) =>
      i < share && loss !== null && (promoted.get(key) ?? 0) <= rung
    );
    const next = here[place];
    if (next === undefined) continue;
    const reason = `place ${place + 1} of ${here.length} at rung ${rung}, ` +
      `of which ${share} go on: val loss ${next.loss}`;
    return { key: next.key, rung: rung + 1, reason };
  }
  return undefined;
}
