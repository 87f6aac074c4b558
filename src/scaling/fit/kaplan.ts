/**
 * Fits laws in one quantity to its frontier: L = (X_c / X)^alpha by least squares of logs, and L =
 * E + (X_c / X)^alpha by the Huber loss. Source: Kaplan et al., "Scaling Laws for Neural Language
 * Models" (2020), equations 1.1 to 1.3.
 */
import { bootstrap, drawKey, estimate } from "./bootstrap.ts";
import { countDistinct } from "./distinct.ts";
import { frontierOf, type Quantity } from "./frontier.ts";
import { minimize } from "./lbfgs.ts";
import { polynomial } from "./least_squares.ts";
import { centred, constantsOf, fitFrom, huberSum, powerData } from "./power_sum.ts";
import { qualityOf } from "./quality.ts";
import { markUndetermined } from "./undetermined.ts";
import type { BootstrapRun, Estimate, Quality, ScalingPoint } from "../types.ts";

/** L = E + (X_c / X)^alpha, with log10 X_c, because X_c may overflow. */
export interface PowerLaw {
  readonly E: number;
  readonly log10_scale: number;
  readonly alpha: number;
}

/** A fitted law with its intervals. */
export interface PowerLawFit {
  readonly law: PowerLaw;
  readonly estimates: Readonly<Record<keyof PowerLaw, Estimate>>;
  readonly quality: Quality;
  readonly redrawn: number;
}

/** Both laws in one quantity, or why there is none. */
export interface KaplanFit {
  readonly of: Quantity;
  /** Names of the trials on the frontier. */
  readonly frontier: readonly string[];
  readonly plain: PowerLawFit | { readonly skipped: string };
  readonly irreducible: PowerLawFit | { readonly skipped: string };
}

/** Minimum frontier points of each law. */
export const KAPLAN_NEEDS = { plain: 3, irreducible: 5 } as const;

/** Loss at X. */
export function powerLoss({ E, log10_scale, alpha }: PowerLaw, x: number): number {
  return E + 10 ** (alpha * (log10_scale - Math.log10(x)));
}

/** Fits both laws in a quantity. */
export function fitKaplan(
  points: readonly ScalingPoint[],
  of: Quantity,
  options: BootstrapRun,
): KaplanFit {
  const frontier = frontierOf(points, of);
  const x = frontier.map((point) => point[of]);
  const losses = frontier.map((point) => point.loss);
  const fit = (kind: "plain" | "irreducible") => {
    const need = KAPLAN_NEEDS[kind];
    if (x.length < need) {
      return {
        skipped: `need at least ${need} trials that nothing smaller beats: got ${x.length}`,
      };
    }
    return fitLaw({ x, losses, kind, of }, options);
  };
  return {
    of,
    frontier: frontier.map((point) => point.name),
    plain: fit("plain"),
    irreducible: fit("irreducible"),
  };
}

/** Names of quantities in messages. */
const NAMES: Readonly<Record<Quantity, string>> = {
  params: "parameters",
  tokens: "tokens",
  flops: "FLOP",
};

interface Frontier {
  readonly x: readonly number[];
  readonly losses: readonly number[];
  readonly kind: "plain" | "irreducible";
  readonly of: Quantity;
}

function fitLaw(frontier: Frontier, { draws, seed, level, tell }: BootstrapRun): PowerLawFit {
  const { x, losses, kind } = frontier;
  const constants = kind === "plain" ? 2 : 3;
  const fitter = kind === "plain" ? lineFitter(frontier) : curveFitter(frontier);
  const law = fitter(x.map(() => 1));
  const resampled = bootstrap(drawKey(seed, `kaplan ${kind} ${frontier.of}`), {
    sizes: [x.length],
    draws,
    told: (done) => tell?.(`${kind} laws in ${NAMES[frontier.of]}`, done, draws),
    fit: (counts) => {
      const drawn = x.filter((_, i) => (counts[i] as number) > 0);
      return countDistinct(drawn) > (kind === "plain" ? 1 : 3) ? fitter([...counts]) : undefined;
    },
  });
  const residuals = x.map((at, i) => Math.log((losses[i] as number) / powerLoss(law, at)));
  const leftOut = x.map((at, i) => {
    const others = fitter(x.map((_, k) => k === i ? 0 : 1));
    return Math.log((losses[i] as number) / powerLoss(others, at));
  });
  const shape = { level, free: { n: x.length, p: constants } };
  const of = (key: keyof PowerLaw) =>
    estimate(law[key], resampled.values.map((draw) => draw[key]), shape);
  return {
    law,
    estimates: {
      E: kind === "plain" ? { value: 0, low: null, high: null } : positive(of("E")),
      log10_scale: markUndetermined(of("log10_scale"), "log"),
      alpha: markUndetermined(of("alpha"), "power"),
    },
    quality: qualityOf({ logLoss: losses.map(Math.log), residuals, leftOut }),
    redrawn: resampled.redrawn,
  };
}

/** A loss is not negative: clips the interval at 0. */
function positive({ value, low, high }: Estimate): Estimate {
  return { value, low: low === null ? null : Math.max(0, low), high };
}

type Fitter = (counts: readonly number[]) => PowerLaw;

/** Linear regression of logs: log L = alpha log X_c - alpha log X. */
function lineFitter({ x, losses }: Frontier): Fitter {
  const [logX, logLoss] = [x.map(Math.log), losses.map(Math.log)];
  return (weights) => {
    const line = polynomial({ x: logX, y: logLoss, weights }, 1);
    if (line === undefined) throw new RangeError("Cannot fit a line: need two places: got one");
    const [constant, slope] = line as [number, number];
    return { E: 0, log10_scale: constant / -slope / Math.LN10, alpha: -slope };
  };
}

/** A power law with an irreducible term. */
function curveFitter({ x, losses }: Frontier): Fitter {
  const data = powerData([x], losses);
  const starts = [0, 5, 10, 15, 20, 25].flatMap((a) =>
    [0, 0.25, 0.5, 1, 2].flatMap((alpha) =>
      [-1, -0.5, 0, 0.5, 1].map((e) => centred([a, alpha, e], data))
    )
  );
  const { seeds } = fitFrom(data, starts);
  return (counts) => {
    const objective = huberSum(data, counts);
    const minima = seeds.map((seed) => minimize(objective, seed, { gain: 1e-9 }));
    const { x: theta } = minima.reduce((a, b) => b.value < a.value ? b : a);
    const { E, terms: [term] } = constantsOf(theta, data);
    if (term === undefined) throw new TypeError("Cannot read a law: need a term");
    const { A, alpha } = term;
    return { E, log10_scale: Math.log10(A) / alpha, alpha };
  };
}
