/** Derivatives of formulas against central differences in f64. */
import { assert, assertEquals } from "@std/assert";
import { rootKey, uniforms } from "../../src/base/random.ts";
import * as f from "../../src/graph/formula.ts";
import type { Expr, Formula } from "../../src/graph/formula.ts";
import { evaluateFormula } from "../../src/graph/formula_eval.ts";
import { gradientOf } from "../../src/graph/formula_grad.ts";

/** Step of the differences: truncation error is about 1e-10 for values and derivatives near 1. */
const STEP = 2 ** -16;
const POINTS = 50;

type Body = (...x: Expr[]) => Expr | readonly Expr[];

/** Two inputs in [0.2, 2): away from poles and, by `kinks`, from kinks. */
const BODIES: Readonly<Record<string, Body>> = {
  neg: (x) => f.neg(x as Expr),
  exp: (x) => f.exp(x as Expr),
  log: (x) => f.log(x as Expr),
  tanh: (x) => f.tanh(x as Expr),
  sqrt: (x) => f.sqrt(x as Expr),
  sin: (x) => f.sin(x as Expr),
  cos: (x) => f.cos(x as Expr),
  "x sign(y - 1)": (x, y) => f.mul(x as Expr, f.sign(f.sub(y as Expr, 1))),
  add: (x, y) => f.add(x as Expr, y as Expr),
  sub: (x, y) => f.sub(x as Expr, y as Expr),
  mul: (x, y) => f.mul(x as Expr, y as Expr),
  div: (x, y) => f.div(x as Expr, y as Expr),
  max: (x, y) => f.max(x as Expr, f.mul(y as Expr, y as Expr)),
  min: (x, y) => f.min(x as Expr, f.mul(y as Expr, y as Expr)),
  select: (x, y) => f.select(f.sub(x as Expr, y as Expr), f.mul(x as Expr, 3), f.exp(y as Expr)),
  sigmoid: (x) => f.sigmoid(x as Expr),
  "x ^ 4 by shared squares": (x) => {
    const square = f.mul(x as Expr, x as Expr);
    return f.mul(square, square);
  },
  "an output inside another": (x, y) => {
    const z = f.mul(x as Expr, f.sin(y as Expr));
    return [z, f.div(f.tanh(z), y as Expr)];
  },
};

/** Distance of a point from the kinks and jumps of the formulas above. */
function kinks([x, y]: readonly [number, number]): number {
  return Math.min(Math.abs(y - 1), Math.abs(x - y * y), Math.abs(x - y));
}

/** The i-th point that is away from kinks. */
const AT = Array.from({ length: 4 * POINTS }, (_, i): [number, number] => {
  const [x, y] = uniforms([i, 1], 2, [0.2, 2]);
  return [x as number, y as number];
}).filter((point) => kinks(point) > 0.01).slice(0, POINTS);

function values(formula: Formula, inputs: readonly number[]): number[] {
  return evaluateFormula(formula, 0, { input: (k) => inputs[k] as number, key: () => [1, 2] });
}

/** The sum of outputs, each times its output gradient. */
function loss(formula: Formula, inputs: readonly number[], flows: readonly number[]): number {
  return values(formula, inputs).reduce((sum, v, k) => sum + v * (flows[k] as number), 0);
}

for (const [name, body] of Object.entries(BODIES)) {
  Deno.test(`the derivative of ${name} matches differences`, () => {
    const formula = f.formula(2, body);
    const gradient = gradientOf(formula, [0, 1]);
    assertEquals(AT.length, POINTS);
    const flows = [...uniforms(rootKey(1), formula.outputs.length, [0.5, 1.5])];
    for (const point of AT) {
      const got = values(gradient, [...point, ...flows]);
      [0, 1].forEach((k) => {
        const moved = (by: number) => point.map((v, i) => i === k ? v + by : v);
        const rise = loss(formula, moved(STEP), flows) - loss(formula, moved(-STEP), flows);
        const slope = rise / (2 * STEP);
        const error = Math.abs((got[k] as number) - slope);
        const scale = Math.max(1, Math.abs(slope));
        assert(error < 1e-7 * scale, `input ${k} at ${point}: ${got[k]}, not ${slope}`);
      });
    }
  });
}

Deno.test("gradients of inputs that no output reads are the constant 0", () => {
  const gradient = gradientOf(f.formula(3, (x) => f.exp(x as Expr)), [1, 2]);
  assertEquals(gradient.outputs, [f.constant(0), f.constant(0)]);
});

Deno.test("at a tie the gradient of max() and min() goes to the first", () => {
  for (const fn of [f.max, f.min]) {
    const gradient = gradientOf(f.formula(2, (x, y) => fn(x as Expr, y as Expr)), [0, 1]);
    assertEquals(values(gradient, [1, 1, 5]), [5, 0]);
  }
});

Deno.test("no gradient flows through the test of a select, a sign or a mask", () => {
  const body: Body = (x, y, key) => [
    f.select(x as Expr, y as Expr, 0),
    f.mul(y as Expr, f.sign(x as Expr)),
    f.mul(y as Expr, f.mask(key as Expr, 0, 1)),
  ];
  const gradient = gradientOf(f.formula(3, body), [0, 1]);
  assertEquals(values(gradient, [2, 3, 0, 1, 1, 1]), [0, 3]);
});

Deno.test("the gradient may be differentiated again", () => {
  const cube = f.formula(1, (x) => f.mul(x as Expr, f.mul(x as Expr, x as Expr)));
  const second = gradientOf(gradientOf(cube, [0]), [0]);
  assertEquals(values(second, [2, 1, 1]), [12]);
});
