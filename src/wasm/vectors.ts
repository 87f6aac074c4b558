/** Vector instructions as functions of expressions (Core Specification 3.0, section 5.4.9). */
import { signed, vectorOp } from "./encode.ts";
import type { Condition, I32, V128 } from "./values.ts";

const unary = (number: number) => {
  const op = vectorOp(number);
  return (a: V128): V128 => ({ code: [a.code, op] });
};
const binary = (number: number) => {
  const op = vectorOp(number);
  return (a: V128, b: V128): V128 => ({ code: [a.code, b.code, op] });
};
const ternary = (number: number) => {
  const op = vectorOp(number);
  return (a: V128, b: V128, c: V128): V128 => ({ code: [a.code, b.code, c.code, op] });
};
const shift = (number: number) => {
  const op = vectorOp(number);
  return (a: V128, bits: number): V128 => ({ code: [a.code, 0x41, signed(bits), op] });
};

/** Words that cost one instruction wherever they are used. */
const CHEAP: readonly string[] = [0, 0xffffffff].map((word) => Array(4).fill(word).join());

function constant(words: Uint32Array): V128 {
  const key = words.join();
  return {
    code: CHEAP.includes(key)
      ? [vectorOp(12), new Uint8Array(words.buffer)]
      : [{ kind: "constant", words: key }],
  };
}

const sumOfProduct = (kind: "madd" | "nmadd") => (a: V128, b: V128, c: V128): V128 => ({
  code: [a.code, b.code, c.code, { kind }],
});

/** Operations on four f32. Comparisons give all ones or all zeros per lane. */
export const f32x4 = {
  /** The same constant in all lanes, rounded to f32. */
  splat: (value: number): V128 =>
    constant(new Uint32Array(Float32Array.of(value, value, value, value).buffer)),
  eq: binary(65),
  ne: binary(66),
  lt: binary(67),
  gt: binary(68),
  le: binary(69),
  ge: binary(70),
  nearest: unary(106),
  abs: unary(224),
  neg: unary(225),
  sqrt: unary(227),
  add: binary(228),
  sub: binary(229),
  mul: binary(230),
  div: binary(231),
  /** NaN if an operand is NaN. */
  min: binary(232),
  max: binary(233),
  /** b < a ? b : a, so `a` where an operand is NaN. */
  pmin: binary(234),
  /** a < b ? b : a, so `a` where an operand is NaN. */
  pmax: binary(235),
  /** a * b + c, rounded once where the machine has fused multiply-add, else twice. */
  madd: sumOfProduct("madd"),
  /** c - a * b, as {@linkcode f32x4.madd}. */
  nmadd: sumOfProduct("nmadd"),
  /** f32 of signed i32. */
  fromInt: unary(250),
} as const;

/** Operations on four i32. */
export const i32x4 = {
  /** The same constant in all lanes. */
  splat: (value: number): V128 => constant(new Uint32Array(4).fill(value)),
  /** Four constants. */
  of: (a: number, b: number, c: number, d: number): V128 => constant(Uint32Array.of(a, b, c, d)),
  /** The same computed integer in all lanes. */
  splatOf: (value: I32): V128 => ({ code: [value.code, vectorOp(17)] }),
  eq: binary(55),
  ne: binary(56),
  lt: binary(57),
  ltUnsigned: binary(58),
  gt: binary(59),
  shl: shift(171),
  shr: shift(172),
  shrUnsigned: shift(173),
  add: binary(174),
  sub: binary(177),
  mul: binary(181),
  /** Of f32, toward zero; NaN gives 0. */
  fromFloat: unary(248),
} as const;

/** Operations on bits. */
export const v128 = {
  /** All bits zero. */
  zero: constant(new Uint32Array(4)),
  not: unary(77),
  and: binary(78),
  andNot: binary(79),
  or: binary(80),
  xor: binary(81),
  /** Bits of `a` where `mask` is 1, else of `b`. */
  select: (mask: V128, a: V128, b: V128): V128 => ternary(82)(a, b, mask),
  /** Whether any bit is 1. */
  any: (a: V128): Condition => ({ code: [a.code, vectorOp(83)] }),
  /** Lanes by index: 0 to 3 of `a`, 4 to 7 of `b`. */
  shuffle: (a: V128, b: V128, lanes: readonly [number, number, number, number]): V128 => ({
    code: [
      a.code,
      b.code,
      vectorOp(13),
      lanes.flatMap((lane) => [0, 1, 2, 3].map((i) => 4 * lane + i)),
    ],
  }),
} as const;

/** Lane `lane` in all lanes. */
export function splatLane(a: V128, lane: 0 | 1 | 2 | 3): V128 {
  return v128.shuffle(a, a, [lane, lane, lane, lane]);
}

/** Combines the four lanes in the order (0 op 2) op (1 op 3); the result is in all lanes. */
export function acrossLanes(a: V128, op: (a: V128, b: V128) => V128): V128 {
  const halves = op(a, v128.shuffle(a, a, [2, 3, 0, 1]));
  return op(halves, v128.shuffle(halves, halves, [1, 0, 3, 2]));
}
