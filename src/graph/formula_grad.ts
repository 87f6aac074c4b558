/** Derivatives of formulas by reverse-mode differentiation of their expressions. */
import type { Expr, Formula } from "./formula.ts";
import {
  add,
  constant,
  cos,
  div,
  formula,
  mul,
  neg,
  parts,
  select,
  sin,
  sub,
  walk,
} from "./formula.ts";

/**
 * The vjp of a formula, as a formula of (inputs, one gradient per output): gradients of the inputs
 * in `wanted`, 0 for an input that no output depends on.
 */
export function gradientOf(f: Formula, wanted: readonly number[]): Formula {
  return formula(f.inputs + f.outputs.length, (...args) => {
    const adjoints = new Map<Expr, Expr>();
    const order: Expr[] = [];
    const seen = new Set<Expr>();
    for (const out of f.outputs) walk(out, (e) => order.push(e), seen);
    f.outputs.forEach((out, k) => accumulate(adjoints, out, args[f.inputs + k] as Expr));
    for (const e of order.reverse()) {
      const adjoint = adjoints.get(e);
      if (adjoint === undefined) continue;
      const derivatives = partials(e);
      parts(e).forEach((part, i) => {
        const partial = derivatives[i];
        if (partial !== undefined) accumulate(adjoints, part, mul(adjoint, partial));
      });
    }
    const total = (index: number): Expr =>
      order.filter((e) => e.kind === "input" && e.index === index)
        .reduce((sum: Expr, e) => add(sum, adjoints.get(e) ?? 0), constant(0));
    return wanted.map(total);
  });
}

function accumulate(adjoints: Map<Expr, Expr>, e: Expr, adjoint: Expr): void {
  const before = adjoints.get(e);
  adjoints.set(e, before === undefined ? adjoint : add(before, adjoint));
}

/** Partial derivatives with respect to each child; undefined where it is not differentiable. */
function partials(e: Expr): readonly (Expr | undefined)[] {
  if (e.kind === "unary") return [unaryDerivative(e)];
  if (e.kind === "select") return [undefined, select(e.test, 1, 0), select(e.test, 0, 1)];
  if (e.kind !== "binary") return [];
  const { a, b } = e;
  switch (e.fn) {
    case "add":
      return [constant(1), constant(1)];
    case "sub":
      return [constant(1), constant(-1)];
    case "mul":
      return [b, a];
    case "div":
      return [div(1, b), neg(div(e, b))];
    case "max":
      return [select(sub(b, a), 0, 1), select(sub(b, a), 1, 0)];
    case "min":
      return [select(sub(a, b), 0, 1), select(sub(a, b), 1, 0)];
  }
}

function unaryDerivative(e: Expr & { kind: "unary" }): Expr | undefined {
  const { a } = e;
  switch (e.fn) {
    case "neg":
      return constant(-1);
    case "exp":
      return e;
    case "log":
      return div(1, a);
    case "tanh":
      return sub(1, mul(e, e));
    case "sqrt":
      return div(0.5, e);
    case "sin":
      return cos(a);
    case "cos":
      return neg(sin(a));
    case "sign":
      return undefined;
  }
}
