/** Evaluates formulas in f64: the reference that kernels are tested against. */
import { threefry } from "../base/random.ts";
import type { Binary, Expr, Formula, Unary } from "./formula.ts";

const UNARY: Readonly<Record<Unary, (a: number) => number>> = {
  neg: (a) => -a,
  exp: Math.exp,
  log: Math.log,
  tanh: Math.tanh,
  sqrt: Math.sqrt,
  sin: Math.sin,
  cos: Math.cos,
  sign: Math.sign,
};

const BINARY: Readonly<Record<Binary, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  max: Math.max,
  min: Math.min,
};

/** Threshold of a mask: 24-bit random words below it are kept, with probability `keep`. */
export function keepThreshold(keep: number): number {
  return Math.round(keep * 2 ** 24);
}

/** Whether element `index` of a mask is 1. */
export function isKept(
  key: readonly [number, number],
  index: number,
  { site, keep }: { site: number; keep: number },
): boolean {
  return (threefry(key, index, site)[0] >>> 8) < keepThreshold(keep);
}

/**
 * Values of a formula's outputs at element `index`; `input(k)` returns input k there, `key(k)` the
 * u32 pair of input k.
 */
export function evaluateFormula(
  formula: Formula,
  index: number,
  { input, key }: { input: (k: number) => number; key: (k: number) => readonly [number, number] },
): number[] {
  const done = new Map<Expr, number>();
  const go = (e: Expr): number => {
    const known = done.get(e);
    if (known !== undefined) return known;
    const value = compute(e);
    done.set(e, value);
    return value;
  };
  const compute = (e: Expr): number => {
    switch (e.kind) {
      case "const":
        return e.value;
      case "input":
        return input(e.index);
      case "unary":
        return UNARY[e.fn](go(e.a));
      case "binary":
        return BINARY[e.fn](go(e.a), go(e.b));
      case "select":
        return go(e.test) > 0 ? go(e.a) : go(e.b);
      case "mask":
        return isKept(key(e.key), index, e) ? 1 : 0;
    }
  };
  return formula.outputs.map(go);
}
