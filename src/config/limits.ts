/**
 * What no number of a config may exceed, whatever it is for. Pure. A size far beyond any machine would
 * be compiled for hours before it is found too large, and numbers that f32 cannot hold become 0 or
 * infinite in a kernel.
 */
import { isPlain } from "./plain.ts";

/** A dotted path, and what is wrong with the value there. */
type Fault = readonly [path: string, message: string];

/** Most that sizes may be. */
const MOST: Readonly<Record<string, number>> = {
  "workers": 2 ** 12,
  "micro_batches": 2 ** 16,
  "micro_batch_size": 2 ** 16,
  "model.layers": 2 ** 12,
  "model.width": 2 ** 20,
  "model.heads": 2 ** 12,
  "data.seq_len": 2 ** 24,
};
/** Most seconds that a timer takes: 2^31 ms. */
const LONGEST_S = 2_000_000;
/** Smallest normal and largest f32. */
const SMALLEST = 2 ** -126;
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/** Every number beyond its limit. */
export function limitFaults(config: unknown, path = ""): Fault[] {
  if (isPlain(config)) {
    return Object.entries(config).flatMap(([name, value]) =>
      limitFaults(value, path === "" ? name : `${path}.${name}`)
    );
  }
  if (Array.isArray(config)) return config.flatMap((value) => limitFaults(value, path));
  if (typeof config !== "number") return [];
  const most = MOST[path] ?? (/^recovery\.\w+_s$/.test(path) ? LONGEST_S : LARGEST);
  if (Math.abs(config) > most) return [[path, `need at most ${most}: ${config}`]];
  return config !== 0 && Math.abs(config) < SMALLEST
    ? [[
      path,
      `need 0 or at least ${SMALLEST.toPrecision(3)}, the smallest number in f32: ${config}`,
    ]]
    : [];
}

/** Whether f32 holds a number as a number: neither as 0 nor as infinity. */
export function holdsInF32(value: number): boolean {
  const size = Math.abs(value);
  return size === 0 || (size >= SMALLEST && size <= LARGEST);
}
