/**
 * Limits on the numbers of a config. Without a limit, kernels of a far too large size would compile
 * for hours before an allocation fails. Numbers out of the range of f32 become 0 or infinity.
 */
import { isPlain } from "./plain.ts";

/** A dotted path, and the error text for its value. */
type Fault = readonly [path: string, message: string];

/** Largest allowed sizes. */
const MAX_SIZES: Readonly<Record<string, number>> = {
  "workers": 2 ** 12,
  "micro_batches": 2 ** 16,
  "micro_batch_size": 2 ** 16,
  "model.layers": 2 ** 12,
  "model.width": 2 ** 20,
  "model.heads": 2 ** 12,
  "data.seq_len": 2 ** 24,
};
/** Limit of a timer in seconds; `setTimeout` overflows at 2^31 ms. */
const MAX_TIMER_S = 2_000_000;
/** Smallest normal and largest f32. */
const SMALLEST = 2 ** -126;
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/** One fault for every number out of its limits. */
export function limitFaults(config: unknown, path = ""): Fault[] {
  if (isPlain(config)) {
    return Object.entries(config).flatMap(([name, value]) =>
      limitFaults(value, path === "" ? name : `${path}.${name}`)
    );
  }
  if (Array.isArray(config)) return config.flatMap((value) => limitFaults(value, path));
  if (typeof config !== "number") return [];
  const most = MAX_SIZES[path] ?? (/^recovery\.\w+_s$/.test(path) ? MAX_TIMER_S : LARGEST);
  if (Math.abs(config) > most) return [[path, `need at most ${most}: ${config}`]];
  return config !== 0 && Math.abs(config) < SMALLEST
    ? [[
      path,
      `need 0 or at least ${SMALLEST.toPrecision(3)}, the smallest number in f32: ${config}`,
    ]]
    : [];
}

/** Whether a number stays finite and nonzero in f32, or is 0. */
export function holdsInF32(value: number): boolean {
  const size = Math.abs(value);
  return size === 0 || (size >= SMALLEST && size <= LARGEST);
}
