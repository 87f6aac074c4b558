/** What follows from published constants, beside the tables made of them. */
import { assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { powerLoss } from "../../src/scaling/fit/kaplan.ts";
import { exponentsOf, type Law, lossOf, optimumOf } from "../../src/scaling/fit/law.ts";
import { COSTS, KAPLAN, LAWS } from "../../src/scaling/fit/published.ts";
import { TRUTH } from "./synthetic.ts";

/** Budget, then N, D / N and L for the printed, the unrounded and the refitted constants. */
const TABLE: readonly (readonly [number, ...string[]])[] = [
  [1e15, "3.56e6 13.2 7.020", "4.04e6 10.2 6.807", "2.34e6 30.5 7.548"],
  [1e16, "1.007e7 16.4 5.433", "1.156e7 12.5 5.273", "7.61e6 28.8 5.618"],
  [1e17, "2.849e7 20.5 4.318", "3.309e7 15.2 4.200", "2.476e7 27.2 4.338"],
  [1e18, "8.058e7 25.7 3.535", "9.466e7 18.6 3.448", "8.062e7 25.6 3.489"],
  [1e19, "2.280e8 32.1 2.986", "2.708e8 22.7 2.922", "2.625e8 24.2 2.926"],
  [5.76e23, "3.22e10 92.6 1.931", "4.04e10 58.9 1.918", "7.24e10 18.3 1.974"],
];

const law = (k: number) => LAWS[k] as Law;

Deno.test("optimumOf() gives the compute-optimal table of each published law to its digits", () => {
  for (const [flops, ...cells] of TABLE) {
    cells.forEach((cell, k) => {
      const { params, ratio, loss } = optimumOf(law(k), flops);
      cell.split(" ").forEach((text, i) => {
        const value = [params, ratio, loss][i] as number;
        // A part in a thousand, or half of the last digit that is printed where that is more.
        const [, fraction = "", exponent = "0"] = /^\d+\.?(\d*)(?:e(\d+))?$/.exec(text) ?? [];
        const last = 0.5 * 10 ** (Number(exponent) - fraction.length);
        assertLess(Math.abs(value - Number(text)), Math.max(1e-3 * value, 1.0001 * last), text);
      });
    });
  }
});

Deno.test("optimumOf() is where a search along the budget finds the lowest loss", () => {
  for (const known of [...LAWS, TRUTH]) {
    for (const flops of [1e15, 1e19, 5.76e23]) {
      const best = optimumOf(known, flops);
      assertAlmostEquals(6 * best.params * best.tokens / flops, 1, 1e-12);
      const along = (log: number) =>
        lossOf(known, { params: Math.exp(log), tokens: flops / 6 / Math.exp(log) });
      let [low, high] = [Math.log(best.params) - 3, Math.log(best.params) + 3];
      while (high - low > 1e-6) {
        const third = (high - low) / 3;
        if (along(low + third) < along(high - third)) high -= third;
        else low += third;
      }
      assertAlmostEquals(Math.exp(low) / best.params, 1, 1e-3);
    }
  }
});

Deno.test("exponentsOf() gives the published ones", () => {
  const digits = [0, 1, 2].map((k) => {
    const { a, b } = exponentsOf(law(k));
    return [a.toFixed(4), b.toFixed(4)];
  });
  assertEquals(digits, [["0.4516", "0.5484"], ["0.4565", "0.5435"], ["0.5126", "0.4874"]]);
});

Deno.test("rounding the exponents to two digits moves tokens per parameter by half", () => {
  const exact = law(1);
  const rounded = {
    ...exact,
    alpha: Number(exact.alpha.toFixed(2)),
    beta: Number(exact.beta.toFixed(2)),
  };
  const ratio = (known: Law) => optimumOf(known, 5.76e23).ratio;
  assertLess(1.5, ratio(rounded) / ratio(exact));
  assertEquals(ratio(exact).toFixed(1), "58.9");
});

Deno.test("powerLoss() gives Kaplan's L(1e7) and L(1e8)", () => {
  assertEquals(powerLoss(KAPLAN.params, 1e7).toFixed(3), "3.371");
  assertEquals(powerLoss(KAPLAN.params, 1e8).toFixed(3), "2.830");
});

Deno.test("the costs of known models are 6 N D beside the figures that are quoted", () => {
  const rows = COSTS.map(({ model, flops_6nd, published }) => [
    model,
    flops_6nd.toPrecision(3),
    published,
  ]);
  assertEquals(rows, [
    ["GPT-1", "9.22e+19", 1.7e19],
    ["GPT-2", "9.25e+19", 1.5e21],
    ["GPT-3", "3.14e+23", 3.1e23],
  ]);
});
