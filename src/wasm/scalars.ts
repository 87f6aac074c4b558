/** Scalar instructions as functions of expressions, for code that runs rarely. */
import { signed64, vectorOp, type WasmCode } from "./encode.ts";
import { I32, type V128 } from "./values.ts";

/** A 64-bit integer expression. Arithmetic wraps around. */
export interface I64 {
  readonly code: WasmCode;
}

/** An f64 expression. */
export interface F64 {
  readonly code: WasmCode;
}

const binary = (instruction: number) => (a: I64, b: I64): I64 => ({
  code: [a.code, b.code, instruction],
});

/** Operations on 64-bit integers. Shifts take their distance modulo 64. */
export const i64 = {
  /** A constant, of which the low 64 bits count. */
  of: (value: bigint | number): I64 => ({ code: [0x42, signed64(BigInt(value))] }),
  /** A lane of i32, zero-extended. */
  ofLane: (a: V128, lane: 0 | 1 | 2 | 3): I64 => ({ code: [a.code, vectorOp(27), lane, 0xad] }),
  add: binary(0x7c),
  sub: binary(0x7d),
  mul: binary(0x7e),
  and: binary(0x83),
  or: binary(0x84),
  shl: binary(0x86),
  /** Keeps the sign. */
  shr: binary(0x87),
  shrUnsigned: binary(0x88),
  /** `a` where x == y, else `b`. */
  selectEqual: (x: I64, y: I64, a: I64, b: I64): I64 => ({
    code: [a.code, b.code, x.code, y.code, 0x51, 0x1b],
  }),
  /** The low 32 bits. */
  low: (a: I64): I32 => new I32([a.code, 0xa7], { min: -(2 ** 31), max: 2 ** 31 - 1 }),
} as const;

/** Operations on f64. */
export const f64 = {
  /** The nearest f64 of a signed integer. */
  ofInt: (a: I64): F64 => ({ code: [a.code, 0xb9] }),
  /** The product with a constant. */
  times: (a: F64, factor: number): F64 => ({
    code: [a.code, 0x44, Array.from(new Uint8Array(Float64Array.of(factor).buffer)), 0xa2],
  }),
} as const;

/** `a` with lane `lane` replaced by the nearest f32 of `value`. */
export function withLane(a: V128, lane: 0 | 1 | 2 | 3, value: F64): V128 {
  return { code: [a.code, value.code, 0xb6, vectorOp(32), lane] };
}

/** `a` with lane `lane` replaced by an integer. */
export function withIntLane(a: V128, lane: 0 | 1 | 2 | 3, value: I32): V128 {
  return { code: [a.code, value.code, vectorOp(28), lane] };
}
