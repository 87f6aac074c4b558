/** Building formulas: simplification, substitution, pruning. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as f from "../../src/graph/formula.ts";
import type { Expr, Formula } from "../../src/graph/formula.ts";
import { evaluateFormula } from "../../src/graph/formula_eval.ts";

const X: Expr = { kind: "input", index: 0 };
const Y: Expr = { kind: "input", index: 1 };

/** Values of a formula's outputs at plain inputs. */
function values(formula: Formula, ...inputs: number[]): number[] {
  const input = (k: number) => inputs[k] as number;
  return evaluateFormula(formula, 0, { input, key: () => [1, 2] });
}

Deno.test("neutral and absorbing constants are folded", () => {
  for (
    const same of [f.add(X, 0), f.add(0, X), f.sub(X, 0), f.mul(X, 1), f.mul(1, X), f.div(X, 1)]
  ) {
    assertEquals(same, X);
  }
  for (const zero of [f.mul(X, 0), f.mul(0, X), f.div(0, X)]) assertEquals(zero, f.constant(0));
  assertEquals(f.sub(0, X), f.neg(X));
  assertEquals(f.add(2, 3), f.constant(5));
  assertEquals(f.sub(2, 3), f.constant(-1));
  assertEquals(f.mul(2, 3), f.constant(6));
  assertEquals(f.neg(2), f.constant(-2));
  assertEquals(f.select(X, 3, 3), f.constant(3));
});

Deno.test("select() takes the second value where the test is 0, negative or not a number", () => {
  const choice = f.formula(1, (x) => f.select(x as Expr, 10, 20));
  assertEquals([1, 1e-30, 0, -0, -1, NaN].flatMap((x) => values(choice, x)), [
    10,
    10,
    20,
    20,
    20,
    20,
  ]);
});

Deno.test("sigmoid() saturates without overflow", () => {
  const s = f.formula(1, (x) => f.sigmoid(x as Expr));
  assertEquals([-1e4, 0, 1e4].flatMap((x) => values(s, x)), [0, 0.5, 1]);
  const [at2] = values(s, 2);
  assert(Math.abs((at2 as number) - 1 / (1 + Math.exp(-2))) < 1e-15);
});

Deno.test("substitute() replaces inputs everywhere and preserves sharing", () => {
  const square = f.mul(X, X);
  const out = f.substitute(f.add(square, f.select(square, Y, square)), [f.exp(Y), X]);
  assert(out.kind === "binary" && out.b.kind === "select");
  assertEquals(out.b.a, X);
  assert(out.a === out.b.test && out.a === out.b.b, "the square stays one object");
  assert(out.a.kind === "binary" && out.a.a === out.a.b, "its factor as well");
  const [value] = values({ inputs: 2, outputs: [out] }, 3, 0.5);
  assertEquals(value, Math.exp(0.5) ** 2 + 3);
});

Deno.test("substitute() renames the key of a mask", () => {
  const kept = f.mul(X, f.mask(Y, 4, 0.5));
  const moved = f.substitute(kept, [Y, { kind: "input", index: 7 }]);
  assert(moved.kind === "binary" && moved.b.kind === "mask");
  assertEquals([moved.a, moved.b.key, moved.b.site, moved.b.keep], [Y, 7, 4, 0.5]);
});

Deno.test("prune() drops inputs that no output reads and renumbers the others", () => {
  const wide = f.formula(6, (...x) => [
    f.mul(x[3] as Expr, f.mask(x[5] as Expr, 2, 0.9)),
    f.sub(x[1] as Expr, x[3] as Expr),
  ]);
  const { formula, used } = f.pruneFormula(wide);
  assertEquals(used, [1, 3, 5]);
  assertEquals(formula.inputs, 3);
  assertEquals([...f.keyInputs(formula)], [2]);
  assertEquals(values(formula, 10, 4, 0)[1], 6);
  assertEquals(f.pruneFormula(f.formula(2, () => f.constant(3))).used, []);
});

Deno.test("keyInputs() returns the inputs that are random keys", () => {
  const two = f.formula(3, (x, a, b) => [
    f.mask(a as Expr, 0, 0.5),
    f.mul(x as Expr, f.mask(b as Expr, 0, 0.5)),
  ]);
  assertEquals([...f.keyInputs(two)], [1, 2]);
  assertEquals(f.keyInputs(f.formula(1, (x) => x as Expr)).size, 0);
});

Deno.test("mask() throws if the key is not an input", () => {
  assertThrows(() => f.mask(f.constant(1), 0, 0.5), TypeError, "must be an input");
});

Deno.test("a mask keeps the expected share of elements, and differs by site and key", () => {
  const n = 1 << 14;
  const draw = (site: number, key: readonly [number, number], keep = 0.75) => {
    const one = f.formula(1, (k) => f.mask(k as Expr, site, keep));
    const context = { input: () => 0, key: () => key };
    return Array.from({ length: n }, (_, i) => evaluateFormula(one, i, context)[0] as number);
  };
  const base = draw(0, [1, 2]);
  const share = (m: number[]) => m.reduce((a, b) => a + b, 0) / n;
  assert(Math.abs(share(base) - 0.75) < 5 * Math.sqrt(0.75 * 0.25 / n));
  assertEquals(share(draw(0, [1, 2], 1)), 1);
  for (const other of [draw(1, [1, 2]), draw(0, [1, 3])]) {
    const both = share(base.map((b, i) => b * (other[i] as number)));
    assert(Math.abs(both - 0.75 ** 2) < 5 * Math.sqrt(0.75 ** 2 / n));
  }
});
