/** The minimizer: known minima, and invariance to the scale of the function. */
import { assert, assertAlmostEquals, assertEquals, assertLess, assertThrows } from "@std/assert";
import { centred, constantsOf, huberSum, powerData } from "../../src/scaling/fit/power_sum.ts";
import { minimize } from "../../src/scaling/fit/lbfgs.ts";
import type { Objective } from "../../src/scaling/fit/line_search.ts";
import { gridOf, TRUTH } from "./synthetic.ts";

/** Rosenbrock's valley in any number of dimensions; its minimum is 0 at (1, ..., 1). */
const rosenbrock: Objective = (x, gradient) => {
  gradient.fill(0);
  let sum = 0;
  for (let i = 0; i + 1 < x.length; i++) {
    const [a, b] = [x[i] as number, x[i + 1] as number];
    sum += 100 * (b - a * a) ** 2 + (1 - a) ** 2;
    gradient[i] = (gradient[i] as number) - 400 * a * (b - a * a) - 2 * (1 - a);
    gradient[i + 1] = (gradient[i + 1] as number) + 200 * (b - a * a);
  }
  return sum;
};

function scaled(objective: Objective, factor: number): Objective {
  return (x, gradient) => {
    const value = objective(x, gradient);
    for (let i = 0; i < gradient.length; i++) gradient[i] = (gradient[i] as number) * factor;
    return value * factor;
  };
}

const points = gridOf(TRUTH, { sigma: 0.01, seed: 1 });
const data = powerData(
  [points.map((p) => p.params), points.map((p) => p.tokens)],
  points.map((p) => p.loss),
);
const start = centred([5, 0.5, 5, 0.5, 0.5], data);

Deno.test("minimize() finds the bottom of Rosenbrock's valley", () => {
  for (const n of [2, 5, 12]) {
    const from = Array.from({ length: n }, (_, i) => i % 2 === 0 ? -1.2 : 1);
    const { x, converged } = minimize(rosenbrock, from);
    assert(converged);
    for (const value of x) assertAlmostEquals(value, 1, 1e-6);
  }
});

Deno.test("minimize() stays at a minimum, and refuses a start without a value", () => {
  assertEquals(minimize(rosenbrock, [1, 1]), {
    x: Float64Array.of(1, 1),
    value: 0,
    steps: 0,
    converged: true,
  });
  assertThrows(() => minimize(() => NaN, [1]), RangeError, "need a finite value at the start: NaN");
});

Deno.test("minimize() says when its steps run out", () => {
  assertEquals(minimize(rosenbrock, [-1.2, 1], { steps: 3 }).converged, false);
});

Deno.test("huberSum() has the gradient that differences show", () => {
  const objective = huberSum(data, points.map((_, i) => i % 3));
  const gradient = new Float64Array(5);
  const theta = centred([5.5, 0.4, 6.5, 0.25, 0.3], data);
  objective(theta, gradient);
  for (let i = 0; i < 5; i++) {
    const h = 1e-6;
    const at = (step: number) =>
      objective(theta.map((v, k) => k === i ? v + step : v), new Float64Array(5));
    const difference = (at(h) - at(-h)) / (2 * h);
    assertAlmostEquals(gradient[i] as number, difference, 1e-6 * Math.abs(difference) + 1e-12);
  }
});

Deno.test("a mean of losses, or any other unit, has the optimum of their sum", () => {
  const objective = huberSum(data);
  const sum = minimize(objective, start);
  // A power of two rounds nothing: the very same steps.
  assertEquals(minimize(scaled(objective, 2 ** -30), start).x, sum.x);
  for (const factor of [1 / points.length, 1e-9, 1e9]) {
    const other = minimize(scaled(objective, factor), start);
    const [a, b] = [constantsOf(sum.x, data), constantsOf(other.x, data)];
    assertAlmostEquals(b.E, a.E, 1e-4);
    b.terms.forEach(({ A, alpha }, k) => {
      assertAlmostEquals(alpha, a.terms[k]?.alpha as number, 1e-5);
      assertLess(Math.abs(Math.log(A / (a.terms[k]?.A as number))), 1e-4);
    });
  }
});
