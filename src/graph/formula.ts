/**
 * Builders of elementwise expressions, with constant folding. WGSL, reference and derivative are
 * generated from them (formula_wgsl.ts, formula_eval.ts, formula_grad.ts).
 */

/** Functions of one argument. */
export type Unary = "neg" | "exp" | "log" | "tanh" | "sqrt" | "sin" | "cos" | "sign";
/** Functions of two arguments. */
export type Binary = "add" | "sub" | "mul" | "div" | "max" | "min";

/** An expression: a node of a directed acyclic graph, shared by reference where it is reused. */
export type Expr =
  | { readonly kind: "const"; readonly value: number }
  | { readonly kind: "input"; readonly index: number }
  | { readonly kind: "unary"; readonly fn: Unary; readonly a: Expr }
  | { readonly kind: "binary"; readonly fn: Binary; readonly a: Expr; readonly b: Expr }
  /** `a` where `test` > 0, else `b`. */
  | { readonly kind: "select"; readonly test: Expr; readonly a: Expr; readonly b: Expr }
  /** 1 with probability `keep`, else 0: Threefry of input `key` at (element index, site). */
  | { readonly kind: "mask"; readonly key: number; readonly site: number; readonly keep: number };

/** Elementwise outputs as expressions of `inputs` inputs. */
export interface Formula {
  /** Number of inputs. */
  readonly inputs: number;
  /** One expression per output. */
  readonly outputs: readonly Expr[];
}

const isConst = (e: Expr, value?: number): e is Expr & { kind: "const" } =>
  e.kind === "const" && (value === undefined || e.value === value);

/** A constant. */
export function constant(value: number): Expr {
  return { kind: "const", value };
}

function lift(x: Expr | number): Expr {
  return typeof x === "number" ? constant(x) : x;
}

/** x + y */
export function add(x: Expr | number, y: Expr | number): Expr {
  const [a, b] = [lift(x), lift(y)];
  if (isConst(a, 0)) return b;
  if (isConst(b, 0)) return a;
  if (isConst(a) && isConst(b)) return constant(a.value + b.value);
  return { kind: "binary", fn: "add", a, b };
}

/** x - y */
export function sub(x: Expr | number, y: Expr | number): Expr {
  const [a, b] = [lift(x), lift(y)];
  if (isConst(b, 0)) return a;
  if (isConst(a, 0)) return neg(b);
  if (isConst(a) && isConst(b)) return constant(a.value - b.value);
  return { kind: "binary", fn: "sub", a, b };
}

/** x * y */
export function mul(x: Expr | number, y: Expr | number): Expr {
  const [a, b] = [lift(x), lift(y)];
  if (isConst(a, 0) || isConst(b, 0)) return constant(0);
  if (isConst(a, 1)) return b;
  if (isConst(b, 1)) return a;
  if (isConst(a) && isConst(b)) return constant(a.value * b.value);
  return { kind: "binary", fn: "mul", a, b };
}

/** x / y */
export function div(x: Expr | number, y: Expr | number): Expr {
  const [a, b] = [lift(x), lift(y)];
  if (isConst(a, 0)) return a;
  if (isConst(b, 1)) return a;
  return { kind: "binary", fn: "div", a, b };
}

/** The larger of x and y; at a tie the gradient goes to x. */
export function max(x: Expr | number, y: Expr | number): Expr {
  return { kind: "binary", fn: "max", a: lift(x), b: lift(y) };
}

/** The smaller of x and y; at a tie the gradient goes to x. */
export function min(x: Expr | number, y: Expr | number): Expr {
  return { kind: "binary", fn: "min", a: lift(x), b: lift(y) };
}

function unary(fn: Unary, x: Expr | number): Expr {
  return { kind: "unary", fn, a: lift(x) };
}

/** -x */
export function neg(x: Expr | number): Expr {
  const a = lift(x);
  return isConst(a) ? constant(-a.value) : unary("neg", a);
}
/** e^x */
export const exp = (x: Expr | number): Expr => unary("exp", x);
/** Natural logarithm. */
export const log = (x: Expr | number): Expr => unary("log", x);
/** Hyperbolic tangent. */
export const tanh = (x: Expr | number): Expr => unary("tanh", x);
/** Square root. */
export const sqrt = (x: Expr | number): Expr => unary("sqrt", x);
/** Sine of radians. */
export const sin = (x: Expr | number): Expr => unary("sin", x);
/** Cosine of radians. */
export const cos = (x: Expr | number): Expr => unary("cos", x);
/** 1, 0 or -1. */
export const sign = (x: Expr | number): Expr => unary("sign", x);

/** `a` where `test` > 0, else `b`. */
export function select(test: Expr, a: Expr | number, b: Expr | number): Expr {
  const [yes, no] = [lift(a), lift(b)];
  if (isConst(yes) && isConst(no, yes.value)) return yes;
  return { kind: "select", test, a: yes, b: no };
}

/** 1 / (1 + e^-x), computed by tanh, which cannot overflow. */
export function sigmoid(x: Expr | number): Expr {
  return add(mul(tanh(mul(x, 0.5)), 0.5), 0.5);
}

/**
 * A Bernoulli mask: 1 with probability `keep`, else 0. `key` must be an input, a u32 pair; `site`
 * separates masks of one key. @throws {TypeError} when `key` is not an input.
 */
export function mask(key: Expr, site: number, keep: number): Expr {
  if (key.kind !== "input") throw new TypeError("Cannot draw a mask: its key must be an input");
  return { kind: "mask", key: key.index, site, keep };
}

/** Indices of the inputs that are random keys (u32 pairs), not f32 elements. */
export function keyInputs(formula: Formula): ReadonlySet<number> {
  const keys = new Set<number>();
  for (const out of formula.outputs) walk(out, (e) => e.kind === "mask" && keys.add(e.key));
  return keys;
}

/** Children of an expression. */
export function parts(e: Expr): readonly Expr[] {
  switch (e.kind) {
    case "unary":
      return [e.a];
    case "binary":
      return [e.a, e.b];
    case "select":
      return [e.test, e.a, e.b];
    default:
      return [];
  }
}

/** Visits each distinct node once, in topological order (children first). */
export function walk(e: Expr, visit: (e: Expr) => void, seen: Set<Expr> = new Set()): void {
  if (seen.has(e)) return;
  seen.add(e);
  for (const part of parts(e)) walk(part, visit, seen);
  visit(e);
}

/** The formula of `inputs` inputs that `body` returns; `body` gets the input expressions. */
export function formula(
  inputs: number,
  body: (...x: Expr[]) => Expr | readonly Expr[],
): Formula {
  const args = Array.from({ length: inputs }, (_, index): Expr => ({ kind: "input", index }));
  const out = body(...args);
  return { inputs, outputs: Array.isArray(out) ? out as readonly Expr[] : [out as Expr] };
}

/** `e` with input k replaced by `inputs[k]`. */
export function substitute(e: Expr, inputs: readonly Expr[]): Expr {
  const done = new Map<Expr, Expr>();
  const go = (x: Expr): Expr => {
    const known = done.get(x);
    if (known) return known;
    const rebuilt = rebuild(x, go, inputs);
    done.set(x, rebuilt);
    return rebuilt;
  };
  return go(e);
}

function rebuild(x: Expr, go: (e: Expr) => Expr, inputs: readonly Expr[]): Expr {
  switch (x.kind) {
    case "input":
      return inputs[x.index] as Expr;
    case "unary":
      return { ...x, a: go(x.a) };
    case "binary":
      return { ...x, a: go(x.a), b: go(x.b) };
    case "select":
      return { ...x, test: go(x.test), a: go(x.a), b: go(x.b) };
    case "mask": {
      const key = inputs[x.key] as Expr;
      return key.kind === "input" ? { ...x, key: key.index } : x;
    }
    default:
      return x;
  }
}

/** `f` without its unused inputs, and the indices of the inputs that are used. */
export function pruneFormula(f: Formula): { formula: Formula; used: readonly number[] } {
  const seen = new Set<number>();
  const visited = new Set<Expr>();
  for (const out of f.outputs) {
    walk(out, (e) => {
      if (e.kind === "input") seen.add(e.index);
      if (e.kind === "mask") seen.add(e.key);
    }, visited);
  }
  const used = [...seen].sort((a, b) => a - b);
  const args: Expr[] = [];
  used.forEach((k, index) => args[k] = { kind: "input", index });
  return {
    formula: { inputs: used.length, outputs: f.outputs.map((e) => substitute(e, args)) },
    used,
  };
}
