/** Prints formulas as WGSL statements, with common subexpressions computed once. */
import { keepThreshold } from "./formula_eval.ts";
import type { Binary, Expr, Formula, Unary } from "./formula.ts";
import { walk } from "./formula.ts";

/** A finite number as an f32 literal. @throws {RangeError} for NaN and infinities. */
export function literal(value: number): string {
  const f = Math.fround(value);
  if (!Number.isFinite(f)) throw new RangeError(`Cannot print ${value} in WGSL: not finite`);
  const text = String(f);
  return /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
}

/**
 * Arguments are clamped: above, exp overflows f32, and some drivers' tanh overflows where it is 1.
 */
const EXP_MAX = 88;
const TANH_MAX = 15;

type Lit = (value: number) => string;

const UNARY: Readonly<Record<Unary, (a: string, lit: Lit) => string>> = {
  neg: (a) => `-(${a})`,
  exp: (a, lit) => `exp(min(${a}, ${lit(EXP_MAX)}))`,
  log: (a) => `log(${a})`,
  tanh: (a, lit) => `tanh(clamp(${a}, ${lit(-TANH_MAX)}, ${lit(TANH_MAX)}))`,
  sqrt: (a) => `sqrt(${a})`,
  sin: (a) => `sin(${a})`,
  cos: (a) => `cos(${a})`,
  sign: (a) => `sign(${a})`,
};

const BINARY: Readonly<Record<Binary, (a: string, b: string) => string>> = {
  add: (a, b) => `${a} + ${b}`,
  sub: (a, b) => `${a} - ${b}`,
  mul: (a, b) => `${a} * ${b}`,
  div: (a, b) => `${a} / ${b}`,
  max: (a, b) => `max(${a}, ${b})`,
  min: (a, b) => `min(${a}, ${b})`,
};

/** Statements that compute a formula, and the WGSL names of its outputs. */
export interface PrintedFormula {
  readonly lines: readonly string[];
  readonly outputs: readonly string[];
}

/**
 * Prints a formula for one element, or for four adjacent ones as vec4 (`width` 4). `input[k]` is
 * the WGSL of input k (a vec2<u32> for keys), `index` that of the (first) element's u32 index;
 * names of locals start with `prefix`.
 */
export function printFormula(
  formula: Formula,
  { input, index, prefix = "t", width = 1 }: {
    input: readonly string[];
    index: string;
    prefix?: string;
    width?: 1 | 4;
  },
): PrintedFormula {
  const lit: Lit = (value) => width === 4 ? `vec4<f32>(${literal(value)})` : literal(value);
  const names = new Map<string, string>();
  const of = new Map<Expr, string>();
  const lines: string[] = [];
  const bind = (text: string): string => {
    const known = names.get(text);
    if (known !== undefined) return known;
    const name = `${prefix}${names.size}`;
    names.set(text, name);
    lines.push(`let ${name} = ${text};`);
    return name;
  };
  const name = (e: Expr): string => of.get(e) as string;
  const print = (e: Expr): string => {
    switch (e.kind) {
      case "const":
        return lit(e.value);
      case "input":
        return input[e.index] as string;
      case "unary":
        return bind(UNARY[e.fn](name(e.a), lit));
      case "binary":
        return bind(BINARY[e.fn](name(e.a), name(e.b)));
      case "select":
        return bind(`select(${name(e.b)}, ${name(e.a)}, ${name(e.test)} > ${lit(0)})`);
      case "mask": {
        const draw = (k: number) => {
          const at = k === 0 ? index : `${index} + ${k}u`;
          const word = `threefry(${input[e.key]}, vec2<u32>(${at}, ${e.site}u)).x >> 8u`;
          return `select(0.0f, 1.0f, (${word}) < ${keepThreshold(e.keep)}u)`;
        };
        if (width === 1) return bind(draw(0));
        return bind(`vec4<f32>(${[0, 1, 2, 3].map((k) => bind(draw(k))).join(", ")})`);
      }
    }
  };
  const seen = new Set<Expr>();
  for (const out of formula.outputs) walk(out, (e) => of.set(e, print(e)), seen);
  return { lines, outputs: formula.outputs.map(name) };
}
