/** Prints formulas as vector expressions of WebAssembly, with common subexpressions computed once. */
import type { Body } from "../wasm/body.ts";
import { expVector, logVector, tanhVector } from "../wasm/math.ts";
import { threefryVector, type VectorKey } from "../wasm/random.ts";
import { cosVector, sinVector } from "../wasm/sinusoid.ts";
import type { V128 } from "../wasm/values.ts";
import { f32x4, i32x4, v128 } from "../wasm/vectors.ts";
import { keepThreshold } from "./formula_eval.ts";
import type { Binary, Expr, Formula, Unary } from "./formula.ts";
import { walk } from "./formula.ts";

const ZERO = f32x4.splat(0);
const ONE = f32x4.splat(1);

const UNARY: Readonly<Record<Unary, (b: Body, a: V128) => V128>> = {
  neg: (_, a) => f32x4.neg(a),
  exp: expVector,
  log: logVector,
  tanh: tanhVector,
  sqrt: (_, a) => f32x4.sqrt(a),
  sin: sinVector,
  cos: cosVector,
  // NaN compares false with 0 and stays as it is; so does 0.
  sign: (_, a) => {
    const signed = v128.or(ONE, v128.and(a, i32x4.splat(0x80000000)));
    const moved = v128.or(f32x4.gt(a, ZERO), f32x4.lt(a, ZERO));
    return v128.select(moved, signed, a);
  },
};

const BINARY: Readonly<Record<Binary, (a: V128, b: V128) => V128>> = {
  add: f32x4.add,
  sub: f32x4.sub,
  mul: f32x4.mul,
  div: f32x4.div,
  max: f32x4.max,
  min: f32x4.min,
};

/** The operands of a formula at four adjacent elements. */
export interface FormulaOperands {
  /** Value of each input; not used for keys. */
  readonly input: (k: number) => V128;
  /** Words of the inputs that are keys. */
  readonly key: (k: number) => VectorKey;
  /** Indices of the elements, as i32. */
  readonly index: () => V128;
}

/** Computes a formula's outputs. */
export function printFormulaWasm(
  b: Body,
  formula: Formula,
  { input, key, index }: FormulaOperands,
): V128[] {
  const of = new Map<Expr, V128>();
  let indices: V128 | undefined;
  const value = (e: Expr): V128 => of.get(e) as V128;
  const print = (e: Expr): V128 => {
    switch (e.kind) {
      case "const":
        return f32x4.splat(e.value);
      case "input":
        return input(e.index);
      case "unary":
        return b.let(UNARY[e.fn](b, value(e.a)));
      case "binary":
        return b.let(BINARY[e.fn](value(e.a), value(e.b)));
      case "select":
        return b.let(v128.select(f32x4.gt(value(e.test), ZERO), value(e.a), value(e.b)));
      case "mask": {
        indices ??= b.let(index());
        const word = i32x4.shrUnsigned(threefryVector(b, key(e.key), indices, e.site), 8);
        // 24-bit words compare alike as signed and unsigned.
        const kept = i32x4.lt(word, i32x4.splat(keepThreshold(e.keep)));
        return b.let(v128.and(kept, ONE));
      }
    }
  };
  const seen = new Set<Expr>();
  for (const out of formula.outputs) walk(out, (e) => of.set(e, print(e)), seen);
  return formula.outputs.map(value);
}
