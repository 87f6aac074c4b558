/** Pointers that advance by constant steps in a loop. */
import type { WasmCode } from "./encode.ts";
import { I32, Pointer } from "./values.ts";

const [I32_ADD, I32_MUL] = [0x6a, 0x6c];

/** A pointer and the bytes by which it advances per iteration. */
export type Walk = readonly [Pointer, number];

/** Code of the address that is `index` steps ahead. */
export function advanced(code: WasmCode, index: I32, step = 0): WasmCode {
  return index.known === 0 ? code : [code, index.code, I32.of(step).code, I32_MUL, I32_ADD];
}

/** The pointer `place`, which starts at `start` for index 0, over the indices `first` to `end` - 1. */
export function walking(
  { area, range, offset }: Pointer,
  place: WasmCode,
  { first, end, step = 0 }: {
    readonly first: I32;
    readonly end: I32;
    readonly step: number | undefined;
  },
): Pointer {
  const [from, to] = [step * first.min, step * (end.max - 1)];
  return new Pointer(area, {
    code: place,
    range: { min: range.min + Math.min(from, to), max: range.max + Math.max(from, to) },
    offset,
  });
}
