/** Formulas of elementwise layers. */
import type { Expr, Formula } from "../graph/formula.ts";
import {
  add,
  constant,
  div,
  exp,
  formula,
  log,
  mask,
  max,
  mul,
  neg,
  select,
  sigmoid,
  sign,
  sub,
  tanh,
} from "../graph/formula.ts";

/** x + y */
export const SUM: Formula = formula(2, (x, y) => add(x as Expr, y as Expr));

/** x * y */
export const PRODUCT: Formula = formula(2, (x, y) => mul(x as Expr, y as Expr));

/** x / y */
export const QUOTIENT: Formula = formula(2, (x, y) => div(x as Expr, y as Expr));

/** x + y * z */
export const PRODUCT_SUM: Formula = formula(
  3,
  (x, y, z) => add(x as Expr, mul(y as Expr, z as Expr)),
);

/** GELU in its tanh form (Hendrycks and Gimpel 2016, section 2). */
export const GELU: Formula = formula(1, (input) => {
  const x = input as Expr;
  const inner = mul(
    x,
    add(Math.sqrt(2 / Math.PI), mul(mul(x, x), 0.044715 * Math.sqrt(2 / Math.PI))),
  );
  return mul(mul(x, 0.5), add(1, tanh(inner)));
});

/**
 * The error function, to 1.5e-7 (Abramowitz and Stegun 1964, formula 7.1.26): the shading languages
 * have none.
 */
function erf(x: Expr): Expr {
  const t = div(1, add(1, mul(select(x, x, neg(x)), 0.3275911)));
  const sum = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592]
    .reduce((rest: Expr | number, factor) => mul(add(rest, factor), t), 0);
  return mul(sign(x), sub(1, mul(sum, exp(neg(mul(x, x))))));
}

/** GELU: x times the share of a normal distribution below x (Hendrycks and Gimpel 2016). */
export const GELU_ERF: Formula = formula(1, (input) => {
  const x = input as Expr;
  return mul(mul(x, 0.5), add(1, erf(mul(x, Math.SQRT1_2))));
});

/** max(x, 0) */
export const RELU: Formula = formula(1, (x) => max(x as Expr, 0));

/** e^x */
export const EXP: Formula = formula(1, (x) => exp(x as Expr));

/** Natural logarithm. */
export const LOG: Formula = formula(1, (x) => log(x as Expr));

/** 1 / (1 + e^-x) */
export const SIGMOID: Formula = formula(1, (x) => sigmoid(x as Expr));

/** Hyperbolic tangent. */
export const TANH: Formula = formula(1, (x) => tanh(x as Expr));

/** x * sigmoid(x) (Hendrycks and Gimpel 2016, section 2; Elfwing et al. 2017). */
export const SILU: Formula = formula(1, (x) => mul(x as Expr, sigmoid(x as Expr)));

/** Inverted dropout (Srivastava et al. 2014, section 10) of inputs x and a random key. */
export function dropoutFormula(p: number, site: number): Formula {
  return formula(2, (x, key) => mul(x as Expr, mul(mask(key as Expr, site, 1 - p), 1 / (1 - p))));
}

/** x * factor */
export function scaleFormula(factor: number): Formula {
  return formula(1, (x) => mul(x as Expr, factor));
}

/** -log sigmoid(x - y), exact for large differences of either sign. */
export const LOG_LOSS: Formula = formula(2, (x, y) => {
  const d = sub(x as Expr, y as Expr);
  // Both branches give -1/2 where x equals y, as the loss's derivative does.
  return add(select(d, 0, neg(d)), log(add(1, exp(select(d, neg(d), d)))));
});

/** (x - y)^2 */
export const SQUARED_DIFFERENCE: Formula = formula(2, (x, y) => {
  const d = sub(x as Expr, y as Expr);
  return mul(d, d);
});

/** 1 where x > y, 1/2 where they are equal, else 0. */
export const IS_ABOVE: Formula = formula(
  2,
  (x, y) => mul(add(sign(sub(x as Expr, y as Expr)), 1), 0.5),
);

/** 0 for each element. */
export const EQUAL: Formula = formula(1, () => constant(0));

/**
 * Smoothed cross-entropy of a row: of its cross-entropy, its mean log-probability, and log K or, in a
 * row without a label, 0.
 */
export function smoothingFormula(smoothing: number, classes: number): Formula {
  const scale = smoothing / Math.log(classes);
  return formula(
    3,
    (own, mean, counts) =>
      sub(mul(own as Expr, 1 - smoothing), mul(mul(mean as Expr, counts as Expr), scale)),
  );
}
