/** Random numbers by seed and round, and random mutations of bytes. */
import { threefry } from "../../src/base/random.ts";
import { concat } from "../transport/wire.ts";

/** A whole number in [0, n). */
export type Roll = (n: number) => number;

/** The numbers of one round. */
export function dice(seed: number, round: number): Roll {
  let i = 0;
  return (n) => threefry([seed, round], i++, 0)[0] % n;
}

/** One of the list. */
export function pick<T>(list: readonly T[], roll: Roll): T {
  return list[roll(list.length)] as T;
}

/** So many random bytes. */
export function randomBytes(count: number, roll: Roll): Uint8Array {
  return Uint8Array.from({ length: count }, () => roll(256));
}

/** Bytes significant to parsers: limits, tags, extensions, JSON syntax. */
const TELLING = [0, 0xff, 0x7f, 0x80, 0xc1, 0xc7, 0xd4, 0xdf, 0x22, 0x2c, 0x30, 0x5b, 0x5d, 0x7b];

/** One to three small changes to a copy of the bytes. */
export function mutate(bytes: Uint8Array, roll: Roll): Uint8Array {
  let out: Uint8Array = bytes.slice();
  for (let i = roll(3); i >= 0; i--) {
    const at = roll(out.length || 1);
    const n = roll(20);
    const [before, after] = [out.subarray(0, at), out.subarray(at)];
    const kind = roll(6);
    if (kind === 0) out[at] = (out[at] ?? 0) ^ (1 << roll(8));
    else if (kind === 1) out[at] = pick(TELLING, roll);
    else if (kind === 2) out = concat(before, after.subarray(n)); // a hole
    else if (kind === 3) out = concat(before, randomBytes(n, roll), after); // bytes put in
    else if (kind === 4) out = concat(before, after.subarray(0, n), after); // bytes said twice
    else out = out.slice(0, at); // the end cut off
  }
  return out;
}

/** Whether two plain values are the same, bytes and NaN included. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    return a.length === b.length && a.every((x, i) => x === b[i]);
  }
  const [mine, theirs] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
  return mine.size === theirs.size &&
    [...mine].every(([key, value]) => theirs.has(key) && same(value, theirs.get(key)));
}
