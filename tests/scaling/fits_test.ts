/** Fits recover the laws of synthetic trials, with calibrated intervals. */
import { assert, assertAlmostEquals, assertEquals, assertLess, assertThrows } from "@std/assert";
import { normals } from "../../src/base/random.ts";
import { UserError } from "../../src/base/user_error.ts";
import { chinchillaLaw, fitChinchilla, type Grid } from "../../src/scaling/fit/chinchilla.ts";
import { averaged, frontierOf } from "../../src/scaling/fit/frontier.ts";
import { fitIsoflop } from "../../src/scaling/fit/isoflop.ts";
import { fitKaplan, powerLoss } from "../../src/scaling/fit/kaplan.ts";
import { exponentsOf, optimumOf } from "../../src/scaling/fit/law.ts";
import type { Estimate, ScalingPoint } from "../../src/scaling/types.ts";
import { gridOf, isoflopOf, spaced, trialOf, TRUTH } from "./synthetic.ts";

/** A small grid for laws with approximately known constants. */
const FEW: Grid = { a: [5, 10], alpha: [0.25, 0.6], e: [0.5] };
const KEYS = ["E", "A", "B", "alpha", "beta"] as const;

function holds({ low, high }: Estimate, truth: number): boolean {
  return low !== null && high !== null && low <= truth && truth <= high;
}

/** How far a share of 200 may be from the rate it is a draw of: three standard deviations. */
function within(share: number, rate: number): boolean {
  return Math.abs(share - rate) <= 3 * Math.sqrt(rate * (1 - rate) / 200);
}

Deno.test("fitChinchilla() finds the law of trials without noise from the paper's starts", () => {
  const law = chinchillaLaw(gridOf(TRUTH, { sizes: spaced(1e4, 4, 4), tokens: spaced(1e5, 5, 4) }));
  for (const key of KEYS) assertAlmostEquals(law?.[key] as number / TRUTH[key], 1, 1e-4, key);
});

Deno.test("fitChinchilla() has the truth of noisy trials within its intervals", () => {
  const points = gridOf(TRUTH, { sigma: 0.01, seed: 3 });
  const fit = fitChinchilla(points, { draws: 200, seed: 0, level: 0.95 }, FEW);
  for (const key of KEYS) assert(holds(fit.estimates[key], TRUTH[key]), key);
  assert(holds(fit.estimates.a, exponentsOf(TRUTH).a));
  assertAlmostEquals(fit.estimates.a.value + fit.estimates.b.value, 1, 1e-12);
  assertLess(0.99, fit.quality.r2);
  assertLess(fit.quality.rms, 0.02);
  assertLess(fit.quality.rms, fit.quality.leave_one_out_rms);
  assertEquals(fit.residuals.length, points.length);
});

Deno.test("fitChinchilla() is the same again with its seed, and another with another", () => {
  const points = gridOf(TRUTH, { sigma: 0.01, seed: 4, sizes: spaced(1e4, 4, 4) });
  const fit = (seed: number) => fitChinchilla(points, { draws: 30, seed, level: 0.9 }, FEW);
  assertEquals(fit(7), fit(7));
  assertEquals(fit(7).law, fit(8).law);
  assert(JSON.stringify(fit(7).draws) !== JSON.stringify(fit(8).draws));
});

Deno.test("fitChinchilla() covers the constants at the stated rate over 200 sets of trials", () => {
  const rate = 0.9;
  const truth = { ...TRUTH, ...exponentsOf(TRUTH) };
  const keys = [...KEYS, "a"] as const;
  const held = keys.map(() => 0);
  for (let set = 0; set < 200; set++) {
    const points = gridOf(TRUTH, {
      sizes: spaced(1e4, 4, 5),
      tokens: spaced(1e5, 4, 4),
      sigma: 0.005,
      seed: 1000 + set,
    });
    const { estimates } = fitChinchilla(points, { draws: 50, seed: set, level: rate }, {
      ...FEW,
      a: [6],
      alpha: [0.3],
    });
    keys.forEach((key, k) => {
      if (holds(estimates[key], truth[key])) held[k] = (held[k] as number) + 1;
    });
  }
  keys.forEach((key, k) => {
    const share = (held[k] as number) / 200;
    assert(within(share, rate), `${key}: ${share}`);
  });
});

Deno.test("fitChinchilla() refuses too few and degenerate trials with the number needed", () => {
  const options = { draws: 20, seed: 0, level: 0.9 };
  const refused = (points: readonly ScalingPoint[]) => {
    const refusal = assertThrows(() => fitChinchilla(points, options, FEW), UserError);
    assertEquals(refusal.exit, "data");
    return refusal.message;
  };
  const needs = "Cannot fit L(N, D): need at least 6 trials of 3 sizes and 3 token counts: got ";
  assertEquals(refused([]), needs + "0 of 0 and 0");
  assertEquals(refused(gridOf(TRUTH).slice(0, 5)), needs + "5 of 1 and 5");
  assertEquals(refused(gridOf(TRUTH, { sizes: [1e4] })), needs + "5 of 1 and 5");
  assertEquals(refused(gridOf(TRUTH, { sizes: [1e4, 1.005e4, 3e4] })), needs + "15 of 2 and 5");
  assertEquals(refused(gridOf(TRUTH, { tokens: [1e5, 2e5] })), needs + "12 of 6 and 2");
  const line =
    "Cannot fit L(N, D): need at least 2 budgets or 2 ratios of tokens to parameters, for " +
    "along one line in log N and log D the two terms are alike: got ";
  const sizes = spaced(1e4, 2, 8);
  assertEquals(refused(sizes.map((n) => trialOf(TRUTH, n, 1e13 / n))), line + "1 budget");
  assertEquals(refused(sizes.map((n) => trialOf(TRUTH, n, 20 * n))), line + "1 line");
});

Deno.test("fitChinchilla() refuses a loss that grows with the model", () => {
  const points = gridOf(TRUTH).map((point) => ({
    ...point,
    loss: 2 + 1e-3 * point.params ** 0.5 + 100 / point.tokens ** 0.3,
  }));
  const refusal = assertThrows(
    () => fitChinchilla(points, { draws: 20, seed: 0, level: 0.9 }, FEW),
    UserError,
    "need a loss that falls with parameters and with tokens: the best law has alpha -0.",
  );
  assertEquals(refusal.exit, "data");
});

Deno.test("frontierOf() averages replicates and keeps what nothing smaller beats", () => {
  const point = (params: number, tokens: number, loss: number): ScalingPoint => (
    { name: `${params} ${tokens} ${loss}`, params, tokens, flops: 6 * params * tokens, loss }
  );
  const points = [
    point(10, 100, 4),
    point(10, 100, 1),
    point(10, 200, 1.5),
    point(20, 100, 3),
    point(20, 200, 1.2),
    point(40, 200, 1.3),
  ];
  assertEquals(averaged(points).map((p) => p.loss), [2, 1.5, 3, 1.2, 1.3]);
  assertEquals(frontierOf(points, "params").map((p) => p.loss), [1.5, 1.2]);
  assertEquals(frontierOf(points, "tokens").map((p) => p.loss), [2, 1.2]);
});

/** Trials on one curve of N, with noise. */
function curve(
  law: Parameters<typeof powerLoss>[0],
  count: number,
  sigma = 0,
  seed = 0,
): ScalingPoint[] {
  const noise = normals([seed, 5], count);
  return spaced(1e4, 3, count).map((params, i) => ({
    name: `${i}`,
    params,
    tokens: 1e9 + i,
    flops: params,
    loss: powerLoss(law, params) * Math.exp(sigma * (noise[i] as number)),
  }));
}

const OPTIONS = { draws: 100, seed: 0, level: 0.9 };

Deno.test("fitKaplan() finds a power law, and one above a level", () => {
  const law = { E: 0, log10_scale: Math.log10(8.8e13), alpha: 0.076 };
  const { plain } = fitKaplan(curve(law, 6), "params", { ...OPTIONS, draws: 20 });
  assert("law" in plain);
  assertAlmostEquals(plain.law.alpha, 0.076, 1e-9);
  assertAlmostEquals(plain.law.log10_scale, law.log10_scale, 1e-6);
  const above = { E: 1.5, log10_scale: 6, alpha: 0.4 };
  const { irreducible } = fitKaplan(curve(above, 7), "params", { ...OPTIONS, draws: 20 });
  assert("law" in irreducible);
  for (const key of ["E", "log10_scale", "alpha"] as const) {
    assertAlmostEquals(irreducible.law[key] / above[key], 1, 1e-4, key);
  }
});

Deno.test("fitKaplan() says what it lacks", () => {
  const fit = (count: number) =>
    fitKaplan(curve({ E: 0, log10_scale: 12, alpha: 0.1 }, count), "params", OPTIONS);
  const lacks = (need: number, got: number) => ({
    skipped: `need at least ${need} trials that nothing smaller beats: got ${got}`,
  });
  assertEquals([fit(2).plain, fit(2).irreducible], [lacks(3, 2), lacks(5, 2)]);
  assertEquals(fit(4).irreducible, lacks(5, 4));
});

Deno.test("fitKaplan() covers the exponent of four trials at about the stated rate", () => {
  const law = { E: 0, log10_scale: 14, alpha: 0.076 };
  let held = 0;
  for (let set = 0; set < 200; set++) {
    const { plain } = fitKaplan(curve(law, 4, 0.01, set), "params", OPTIONS);
    if ("estimates" in plain && holds(plain.estimates.alpha, law.alpha)) held++;
  }
  assert(within(held / 200, 0.9), `${held / 200}`);
});

Deno.test("fitIsoflop() finds minima and exponents of trials about the best sizes", () => {
  const budgets = [1e13, 3e13, 1e14, 3e14];
  const best = (flops: number) => optimumOf(TRUTH, flops).params;
  const points = isoflopOf(TRUTH, { budgets, spread: 3, count: 7, sigma: 0.001 }, best);
  const fit = fitIsoflop(points, OPTIONS);
  assert("budgets" in fit && "a" in fit.exponents);
  assertEquals(fit.budgets.map((budget) => budget.points), [7, 7, 7, 7]);
  fit.budgets.forEach(({ flops, minimum }) => {
    assertAlmostEquals((minimum?.params.value ?? 0) / best(flops), 1, 0.15);
    assertAlmostEquals((minimum?.loss.value ?? 0) / optimumOf(TRUTH, flops).loss, 1, 0.005);
    const tokens = flops / 6 / (minimum?.params.value ?? 0);
    assertAlmostEquals((minimum?.tokens.value ?? 0) / tokens, 1, 1e-9);
  });
  const { a, b } = exponentsOf(TRUTH);
  assert(holds(fit.exponents.a, a) && holds(fit.exponents.b, b));
  assertAlmostEquals(fit.exponents.a.value, a, 0.04);
});

Deno.test("fitIsoflop() is exact for parabolas, and says where there is no minimum inside", () => {
  const parabola = (low: number) =>
    [1, 2, 4, 8, 16].map((k): ScalingPoint => {
      const params = 1e5 * k;
      const loss = 2 + 0.3 * (Math.log10(params) - low) ** 2;
      return { name: `${k}`, params, tokens: 1e14 / 6 / params, flops: 1e14, loss };
    });
  const inside = fitIsoflop(parabola(5.5), OPTIONS);
  assert("budgets" in inside);
  const [budget] = inside.budgets;
  assertAlmostEquals(Math.log10(budget?.minimum?.params.value ?? 0), 5.5, 1e-9);
  assertAlmostEquals(budget?.minimum?.loss.value ?? 0, 2, 1e-9);
  assertEquals(inside.exponents, {
    skipped: "need at least 2 budgets whose minimum lies between their sizes: got 1",
  });
  const outside = fitIsoflop(parabola(8), OPTIONS);
  assert("budgets" in outside);
  assertEquals(outside.budgets[0]?.minimum, undefined);
  assertEquals(fitIsoflop(parabola(5.5).slice(0, 2), OPTIONS), {
    skipped: "need at least 3 sizes at one budget: got no such budget",
  });
});
