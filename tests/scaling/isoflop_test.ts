/** IsoFLOP curves of realistic tables: many budgets, noise, curves without a minimum. */
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { fitIsoflop, type IsoflopFit } from "../../src/scaling/fit/isoflop.ts";
import { type Law, optimumOf } from "../../src/scaling/fit/law.ts";
import { LAWS } from "../../src/scaling/fit/published.ts";
import type { BootstrapOptions, Estimate, ScalingPoint } from "../../src/scaling/types.ts";
import { isoflopOf, spaced } from "./synthetic.ts";

const LAW = LAWS[0] as Law;

/**
 * Budgets from 6e18 to 3e21 FLOP with `count` sizes about the best one each, those at either edge
 * with sizes that are all too large or too small.
 */
function table(
  { budgets, count, sigma, seed = 0 }: {
    budgets: number;
    count: number;
    sigma: number;
    seed?: number;
  },
): ScalingPoint[] {
  const flops = spaced(6e18, 500 ** (1 / (budgets - 1)), budgets);
  const shift = (c: number) => c === flops[0] ? 8 : c === flops.at(-1) ? 1 / 8 : 1;
  const about = (c: number) => optimumOf(LAW, c).params * shift(c);
  return isoflopOf(LAW, { budgets: flops, spread: 4, count, sigma, seed }, about);
}

function fitted(
  points: readonly ScalingPoint[],
  options: Partial<BootstrapOptions> = {},
): IsoflopFit {
  const fit = fitIsoflop(points, { draws: 50, seed: 0, level: 0.9, ...options });
  assert("budgets" in fit);
  return fit;
}

function holds({ low, high }: Estimate, truth: number): boolean {
  return low !== null && high !== null && low <= truth && truth <= high;
}

Deno.test("27 budgets of which 25 have a minimum have 25 intervals, and the exponents theirs", () => {
  const fit = fitted(table({ budgets: 27, count: 7, sigma: 0.01 }), { draws: 60 });
  const minima = fit.budgets.flatMap(({ minimum }) => minimum === undefined ? [] : [minimum]);
  assertEquals([fit.budgets.length, minima.length], [27, 25]);
  for (const { params, tokens, loss, drawn } of minima) {
    for (const { value, low, high } of [params, tokens, loss]) {
      assert(low !== null && high !== null && low <= value && value <= high, `${low} ${high}`);
    }
    assert(drawn !== null && drawn > 0.3 && drawn <= 1, `${drawn}`);
  }
  // No draw has a minimum in each of the 25, so none could count if it needed them all.
  assert(minima.filter(({ drawn }) => (drawn as number) < 1).length > 5);
  assert("a" in fit.exponents);
  assert(holds(fit.exponents.a, LAW.beta / (LAW.alpha + LAW.beta)));
});

Deno.test("isoFLOP intervals hold the noiseless fit's numbers at the stated rate", () => {
  const shape = { budgets: 6, count: 8 };
  const truth = fitted(table({ ...shape, sigma: 0 }), { draws: 0 });
  assert("a" in truth.exponents);
  const held = { exponent: 0, params: 0, loss: 0 };
  const counted = { exponent: 0, params: 0, loss: 0 };
  for (let seed = 1; seed <= 100; seed++) {
    const fit = fitted(table({ ...shape, sigma: 0.005, seed }), { seed });
    if ("skipped" in fit.exponents) continue;
    counted.exponent++;
    if (holds(fit.exponents.a, truth.exponents.a.value)) held.exponent++;
    fit.budgets.forEach(({ minimum }, i) => {
      const known = truth.budgets[i]?.minimum;
      if (minimum === undefined || known === undefined) return;
      for (const key of ["params", "loss"] as const) {
        counted[key]++;
        if (holds(minimum[key], known[key].value)) held[key]++;
      }
    });
  }
  assertEquals(counted.exponent, 100);
  assertGreater(counted.params, 380);
  // Three standard deviations of a share of 100, and of 400, about 0.9.
  for (
    const [key, deviation] of [["exponent", 0.03], ["params", 0.015], ["loss", 0.015]] as const
  ) {
    const share = held[key] / counted[key];
    assertLess(Math.abs(share - 0.9), 3 * deviation, `${key}: ${share}`);
  }
});

Deno.test("budgets of few trials have no interval of their own, and those of more keep theirs", () => {
  const [few, many] = [4, 9].map((count) => table({ budgets: 6, count, sigma: 0.005 }));
  // Budgets lie a factor of 3.5 apart: the second, third and fourth have a minimum.
  const of = (points: readonly ScalingPoint[], k: number) => {
    const flops = [...new Set(points.map((p) => Math.round(Math.log(p.flops) * 10)))];
    return points.filter((p) => Math.round(Math.log(p.flops) * 10) === flops[k]);
  };
  const mixed = [
    ...of(many as ScalingPoint[], 1),
    ...of(few as ScalingPoint[], 2),
    ...of(many as ScalingPoint[], 3),
  ];
  const { budgets, exponents } = fitted(mixed);
  assertEquals(budgets.map(({ minimum }) => minimum?.params.low !== null), [true, false, true]);
  assertEquals(budgets.map(({ minimum }) => minimum?.drawn === null), [false, true, false]);
  assert("a" in exponents && exponents.a.low !== null);
});
