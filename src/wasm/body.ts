/** Prints the body of a function: locals, loops, conditions, loads and stores. */
import {
  type EncodedFunction,
  type LocalType,
  unsigned,
  vectorOp,
  type WasmCode,
} from "./encode.ts";
import { argumentCode, type Arguments, type Callee, type DefineFunction } from "./function.ts";
import { type Area, checkAccess, type Condition, I32, Pointer, type V128 } from "./values.ts";
import type { I64 } from "./scalars.ts";
import { advanced, type Walk, walking } from "./walk.ts";

export type { Walk } from "./walk.ts";

const [LOOP, IF, ELSE, END, BR_IF] = [0x03, 0x04, 0x05, 0x0b, 0x0d];
const EMPTY = 0x40;
const [GET, SET, CALL] = [0x20, 0x21, 0x10];
const [I32_LOAD, I32_STORE] = [0x28, 0x36];
const [I32_LT_U, I32_NE, SELECT] = [0x49, 0x47, 0x1b];
const [I32_ADD, I32_SUB, I32_SHR_U] = [0x6a, 0x6b, 0x76];
const [LOAD, LOAD_SPLAT, STORE, LOAD_LANE, STORE_LANE, LOAD_ONE] = [0, 9, 11, 86, 90, 92];
/** Log2 of the alignment that accesses promise: elements of 4 bytes. */
const ALIGNMENT = 2;

/** A vector that statements change. */
export interface Variable extends V128 {
  readonly index: number;
}

/** A function body under construction. */
export class Body {
  /** Adds a function to the module; one with the same body is reused. */
  readonly define: DefineFunction<Body>;
  readonly #params: number;
  readonly #locals: LocalType[] = [];
  #code: WasmCode[] = [];

  constructor(params: number, define: DefineFunction<Body>) {
    this.#params = params;
    this.define = define;
  }

  /** The function. */
  finish(): EncodedFunction {
    return { params: this.#params, locals: this.#locals, code: this.#code };
  }

  /**
   * Calls a function. @throws {RangeError} when an area or an integer is not provably within what
   * the function was printed for.
   */
  call(callee: Callee, args: Arguments): void {
    this.#emit([argumentCode(callee, args), CALL, unsigned(callee.index)]);
  }

  /** The start of an area. */
  at(area: Area, bytes: number | I32 = 0): Pointer {
    const code = [GET, unsigned(area.param)];
    return new Pointer(area, { code, range: { min: 0, max: 0 }, offset: 0 }).plus(bytes);
  }

  /** The index of the element at a pointer in its area. */
  elementOf({ area, code, range, offset }: Pointer): I32 {
    const base = [GET, unsigned(area.param)];
    const bytes = new I32([code, base, I32_SUB], range).plus(offset);
    return new I32([bytes.code, I32.of(2).code, I32_SHR_U], {
      min: Math.floor(bytes.min / 4),
      max: Math.floor(bytes.max / 4),
    });
  }

  /** Computes a vector once. */
  let(value: V128): V128 {
    return this.variable(value);
  }

  /** Computes an integer once. */
  letInt(value: I32): I32 {
    return value.known === undefined ? new I32(this.#bind("i32", value.code), value) : value;
  }

  /** Computes a 64-bit integer once. */
  let64(value: I64): I64 {
    return { code: this.#bind("i64", value.code) };
  }

  /** Computes an address once. */
  letPointer({ area, code, range, offset }: Pointer): Pointer {
    return new Pointer(area, { code: this.#bind("i32", code), range, offset });
  }

  /** A vector with an initial value, for {@linkcode set}. */
  variable(initial: V128): Variable {
    const index = this.#local("v128");
    this.#emit([initial.code, SET, unsigned(index)]);
    return { index, code: [GET, unsigned(index)] };
  }

  /** Assigns a variable. */
  set({ index }: Variable, value: V128): void {
    this.#emit([value.code, SET, unsigned(index)]);
  }

  /** Loads four elements. */
  load(from: Pointer): V128 {
    checkAccess(from, 16);
    return { code: [from.code, vectorOp(LOAD), access(from)] };
  }

  /** Loads one element into all lanes. */
  loadSplat(from: Pointer): V128 {
    checkAccess(from, 4);
    return { code: [from.code, vectorOp(LOAD_SPLAT), access(from)] };
  }

  /** Loads one element into lane 0; the other lanes are zero. */
  loadOne(from: Pointer): V128 {
    checkAccess(from, 4);
    return { code: [from.code, vectorOp(LOAD_ONE), access(from)] };
  }

  /**
   * Loads a u32 and clamps it below `below`: an index from data cannot leave its area.
   */
  loadIndex(from: Pointer, below: number): I32 {
    checkAccess(from, 4);
    const [max, index] = [below - 1, this.#local("i32")];
    const get = [GET, unsigned(index)];
    const limit = I32.of(max).code;
    this.#emit([from.code, I32_LOAD, access(from), SET, unsigned(index)]);
    return this.letInt(
      new I32([get, limit, get, limit, I32_LT_U, SELECT], { min: 0, max }),
    );
  }

  /** Stores four elements. */
  store(to: Pointer, value: V128): void {
    checkAccess(to, 16);
    this.#emit([to.code, value.code, vectorOp(STORE), access(to)]);
  }

  /** Loads the first `lanes` elements; the other lanes are zero. */
  loadSome(from: Pointer, lanes: number): V128 {
    if (lanes === 4) return this.load(from);
    let value = this.loadOne(from);
    for (let lane = 1; lane < lanes; lane++) {
      const at = from.plus(4 * lane);
      checkAccess(at, 4);
      value = { code: [at.code, value.code, vectorOp(LOAD_LANE), access(at), lane] };
    }
    return value;
  }

  /** Stores the first `lanes` elements. */
  storeSome(to: Pointer, value: V128, lanes: number): void {
    if (lanes === 4) return this.store(to, value);
    for (let lane = 0; lane < lanes; lane++) {
      this.storeOne(to.plus(4 * lane), value, lane as 0 | 1 | 2 | 3);
    }
  }

  /** Stores one lane. */
  storeOne(to: Pointer, value: V128, lane: 0 | 1 | 2 | 3 = 0): void {
    checkAccess(to, 4);
    this.#emit([to.code, value.code, vectorOp(STORE_LANE), access(to), lane]);
  }

  /** Stores an integer. */
  storeInt(to: Pointer, value: I32): void {
    checkAccess(to, 4);
    this.#emit([to.code, value.code, I32_STORE, access(to)]);
  }

  /**
   * Runs `body` `count` times with pointers that advance, or go back by negative steps. The first
   * one decides when the loop ends, so its step must not be 0.
   */
  walk(count: number, walks: readonly Walk[], body: (...pointers: Pointer[]) => void): void {
    if (!Number.isInteger(count) || count < 0) {
      throw new RangeError(`Cannot print a loop: need a whole number of iterations: got ${count}`);
    }
    if (count === 1) return body(...walks.map(([pointer]) => pointer));
    this.walkFrom({ from: 0, to: count }, walks, body);
  }

  /**
   * Runs `body` for the indices from `from` to `to` - 1, neither of them negative, with pointers that
   * are given for index 0. The first one decides when the loop ends, so its step must not be 0.
   */
  walkFrom(
    { from, to }: { readonly from: number | I32; readonly to: number | I32 },
    walks: readonly Walk[],
    body: (...pointers: Pointer[]) => void,
  ): void {
    const [first, end] = [this.letInt(I32.of(from)), this.letInt(I32.of(to))];
    const starts = walks.map(([pointer, step]) => step < 0 ? pointer.computed() : pointer);
    const [lead, steps] = [starts[0], walks.map(([, step]) => step)];
    if (lead === undefined || !steps[0] || first.min < 0 || end.min < 0) {
      throw new RangeError("Cannot print a loop: its first pointer must advance from index 0 on");
    }
    if (first.min >= end.max) return;
    const loop = () => {
      const stop = this.#bind("i32", advanced(lead.code, end, steps[0]));
      const places = starts.map(({ code }, k) =>
        this.#place("i32", advanced(code, first, steps[k]))
      );
      const pointers = starts.map((start, k) =>
        walking(start, [GET, unsigned(places[k] as number)], { first, end, step: steps[k] })
      );
      this.#loop(() => {
        body(...pointers);
        places.map(unsigned).forEach((place, k) => {
          if (steps[k]) this.#emit([GET, place, I32.of(steps[k]).code, I32_ADD, SET, place]);
        });
        return [GET, unsigned(places[0] as number), stop, I32_NE];
      });
    };
    if (first.max < end.min) loop();
    else this.if({ code: [first.code, end.code, I32_LT_U] }, loop);
  }

  /** Runs `body` for i = from, from + step, ... while i < to; `step` > 0. */
  for(
    { from = 0, to, step = 1 }: {
      readonly from?: number | I32;
      readonly to: number | I32;
      readonly step?: number;
    },
    body: (i: I32) => void,
  ): void {
    const [start, end] = [I32.of(from), this.letInt(I32.of(to))];
    // The condition compares unsigned integers, and the last step may pass `to`.
    if (start.min < 0 || end.min < 0 || !(step > 0) || end.max + step > 2 ** 32) {
      throw new RangeError(
        `Cannot print a loop from ${start.min} to ${end.max} by ${step}: need 32-bit integers`,
      );
    }
    if (start.min >= end.max) return;
    if (start.known !== undefined && end.known !== undefined && start.known + step >= end.known) {
      return body(start);
    }
    const index = this.#place("i32", start.code);
    const get = [GET, unsigned(index)];
    const last = start.known === undefined
      ? end.max - 1
      : start.known + Math.floor((end.max - 1 - start.known) / step) * step;
    const i = new I32(get, { min: start.min, max: last });
    const loop = () =>
      this.#loop(() => {
        body(i);
        this.#emit([get, I32.of(step).code, I32_ADD, SET, unsigned(index)]);
        return [get, end.code, I32_LT_U];
      });
    if (start.max < end.min) loop();
    else this.if({ code: [get, end.code, I32_LT_U] }, loop);
  }

  /** Runs `then` where the condition holds, else `otherwise`. */
  if(condition: Condition, then: () => void, otherwise?: () => void): void {
    this.#emit([condition.code, IF, EMPTY]);
    then();
    if (otherwise !== undefined) {
      this.#emit([ELSE]);
      otherwise();
    }
    this.#emit([END]);
  }

  #loop(body: () => WasmCode): void {
    this.#emit([LOOP, EMPTY]);
    const again = body();
    this.#emit([again, BR_IF, 0, END]);
  }

  #emit(code: WasmCode): void {
    this.#code.push(code);
  }

  #local(type: LocalType): number {
    return this.#params + this.#locals.push(type) - 1;
  }

  /** A new local with a value; its index. */
  #place(type: LocalType, code: WasmCode): number {
    const index = this.#local(type);
    this.#emit([code, SET, unsigned(index)]);
    return index;
  }

  #bind(type: LocalType, code: WasmCode): WasmCode {
    return [GET, unsigned(this.#place(type, code))];
  }
}

function access({ offset }: Pointer): WasmCode {
  return [ALIGNMENT, unsigned(offset)];
}
