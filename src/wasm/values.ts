/**
 * Typed expressions of WebAssembly: 32-bit integers with known ranges, pointers into areas, and
 * vectors. Ranges let {@linkcode checkAccess} prove that each access is inside its area.
 */
import type { WasmCode } from "./encode.ts";
import { signed } from "./encode.ts";

const I32_CONST = 0x41;
const [I32_ADD, I32_MUL, I32_DIV_U, I32_REM_U, I32_SHL] = [0x6a, 0x6c, 0x6e, 0x70, 0x74];
/** Exclusive upper bound of values, so that sums of ranges cannot wrap unnoticed. */
const LIMIT = 2 ** 32;

/** A range of whole numbers, both ends included. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** A 32-bit integer expression with its range. */
export class I32 implements Range {
  readonly code: WasmCode;
  readonly min: number;
  readonly max: number;
  /** The value, if it is known. */
  readonly known: number | undefined;

  constructor(code: WasmCode, { min, max }: Range) {
    const isWhole = Number.isInteger(min) && Number.isInteger(max);
    if (!isWhole || min > max || Math.abs(min) >= LIMIT || Math.abs(max) >= LIMIT) {
      throw new RangeError(`Cannot print an integer in [${min}, ${max}]: it may not fit 32 bits`);
    }
    this.code = code;
    this.min = min;
    this.max = max;
    this.known = min === max ? min : undefined;
  }

  /** A constant. */
  static of(value: number | I32): I32 {
    if (value instanceof I32) return value;
    return new I32([I32_CONST, signed(value | 0)], { min: value, max: value });
  }

  /** The sum. */
  plus(other: number | I32): I32 {
    const b = I32.of(other);
    if (this.known !== undefined && b.known !== undefined) return I32.of(this.known + b.known);
    if (b.known === 0) return this;
    if (this.known === 0) return b;
    const range = { min: this.min + b.min, max: this.max + b.max };
    return new I32([this.code, b.code, I32_ADD], range);
  }

  /** The product with a constant that is not negative. */
  times(factor: number): I32 {
    if (this.known !== undefined) return I32.of(this.known * factor);
    if (factor === 1) return this;
    if (factor === 0) return I32.of(0);
    const range = { min: this.min * factor, max: this.max * factor };
    const shift = Math.log2(factor);
    return Number.isInteger(shift)
      ? new I32([this.code, I32_CONST, signed(shift), I32_SHL], range)
      : new I32([this.code, I32_CONST, signed(factor | 0), I32_MUL], range);
  }

  /** The quotient by a constant, rounded down; the value must not be negative. */
  over(divisor: number): I32 {
    if (this.min < 0) throw new RangeError("Cannot print the quotient of a negative integer");
    if (this.known !== undefined) return I32.of(Math.floor(this.known / divisor));
    const code = [this.code, I32_CONST, signed(divisor | 0), I32_DIV_U];
    const range = { min: Math.floor(this.min / divisor), max: Math.floor(this.max / divisor) };
    return new I32(code, range);
  }

  /** The remainder of a division by a constant; the value must not be negative. */
  modulo(divisor: number): I32 {
    if (this.min < 0) throw new RangeError("Cannot print the remainder of a negative integer");
    if (this.max < divisor) return this;
    if (this.known !== undefined) return I32.of(this.known % divisor);
    const code = [this.code, I32_CONST, signed(divisor | 0), I32_REM_U];
    return new I32(code, { min: 0, max: divisor - 1 });
  }
}

/** A range of bytes that a kernel may access; its address is parameter `param` of the function. */
export interface Area {
  readonly name: string;
  readonly bytes: number;
  readonly param: number;
}

/** An address inside a area: a computed part, and a constant that is encoded in the access. */
export class Pointer {
  readonly area: Area;
  /** WasmCode of area address + computed part. */
  readonly code: WasmCode;
  /** Range of the computed part in bytes. */
  readonly range: Range;
  /** Constant part in bytes. */
  readonly offset: number;

  constructor(
    area: Area,
    { code, range, offset }: { code: WasmCode; range: Range; offset: number },
  ) {
    this.area = area;
    this.code = code;
    this.range = range;
    this.offset = offset;
  }

  /** The address `bytes` further. */
  plus(bytes: number | I32): Pointer {
    const { area, code, range, offset } = this;
    const index = I32.of(bytes);
    if (index.known !== undefined) {
      return new Pointer(area, { code, range, offset: offset + index.known });
    }
    return new Pointer(area, {
      code: [code, index.code, I32_ADD],
      range: { min: range.min + index.min, max: range.max + index.max },
      offset,
    });
  }

  /** The same address without a constant part: it may go back, and offsets are not negative. */
  computed(): Pointer {
    const { area, code, range: { min, max }, offset } = this;
    return new Pointer(area, {
      code: [code, I32.of(offset).code, I32_ADD],
      range: { min: min + offset, max: max + offset },
      offset: 0,
    });
  }
}

/**
 * Proves that an access of so many bytes is inside its area. @throws {RangeError} otherwise, which
 * is a fault of the kernel's printer.
 */
export function checkAccess({ area, range, offset }: Pointer, bytes: number): void {
  const [first, end] = [range.min + offset, range.max + offset + bytes];
  if (range.min >= 0 && offset >= 0 && end <= area.bytes) return;
  throw new RangeError(
    `Cannot print an access to bytes [${first}, ${end}) of ${area.name}: it has ${area.bytes}`,
  );
}

/** A vector expression of 128 bits: four f32 or four i32. */
export interface V128 {
  readonly code: WasmCode;
}

/** A condition: an i32 that is 0 or 1. */
export interface Condition {
  readonly code: WasmCode;
}
