/**
 * Checks whether a worker fits an adapter's limits, which config keys to lower if it does not, and
 * how many windows a micro-batch can have.
 */
import { showBytes } from "../report/format.ts";
import type { MemoryBudget, MemoryRole, Sized } from "./memory.ts";

/** Limits in bytes; undefined if unknown. */
export interface Limits {
  /** Largest binding. */
  readonly binding?: number | undefined;
  /** Largest buffer. */
  readonly buffer?: number | undefined;
  /** Memory of the device, which all workers share. */
  readonly memory?: number | undefined;
  /** Workers on the device. */
  readonly workers: number;
}

/** The config keys that reduce each memory role. */
const KEYS: Readonly<Record<MemoryRole, string>> = {
  parameters: "model.width, model.layers or the vocabulary",
  gradient: "model.width, model.layers or the vocabulary",
  moments: "model.width, model.layers or the vocabulary",
  tree_levels: "micro_batches or model.width",
  activations: "micro_batch_size or data.seq_len",
  evaluation: "micro_batch_size or data.seq_len",
  caches: "report.sample_length to 0, or data.seq_len",
  states: "micro_batch_size, micro_batches or model.width",
  batches: "micro_batch_size or data.seq_len",
};

/** One text for each limit that is exceeded, with the keys to lower; empty if all fits. */
export function faultsOf(
  { binding, buffer, roles, total }: MemoryBudget,
  limits: Limits,
): string[] {
  const faults: string[] = [];
  const check = (what: string, { name, bytes, role }: Sized, most: number | undefined): void => {
    if (most === undefined || bytes <= most) return;
    faults.push(
      `the largest ${what} (${name}) takes ${against(bytes, most)} on this adapter: lower ` +
        KEYS[role],
    );
  };
  check("binding", binding, limits.binding);
  check("buffer", buffer, limits.buffer);
  const { memory, workers } = limits;
  if (memory !== undefined && workers * total > memory) {
    const each = workers === 1 ? "a worker takes" : `${workers} workers take`;
    const fewer = workers === 1 ? "" : ", or workers";
    faults.push(
      `${each} ${against(workers * total, memory)}: lower ` +
        `${KEYS[decisive(roles, memory / workers)]}${fewer}`,
    );
  }
  return faults;
}

/** Two sizes, the first one larger; in bytes if three digits do not distinguish them. */
function against(bytes: number, most: number): string {
  const [taken, allowed] = [bytes, most].map(showBytes);
  return taken === allowed
    ? `${bytes} bytes, allowed are ${most}`
    : `${taken}, allowed are ${allowed}`;
}

/** The role to reduce: the model if it is too large by itself, else the largest other role. */
function decisive(roles: MemoryBudget["roles"], room: number): MemoryRole {
  const model = roles.parameters + roles.gradient + roles.moments;
  if (model > room) return "parameters";
  if (model + roles.tree_levels > room) return "tree_levels";
  const others = ["activations", "evaluation", "caches", "states", "batches"] as const;
  return others.reduce((best, role) => roles[role] > roles[best] ? role : best);
}

/** Whether all fits. */
export function fits(memory: MemoryBudget, limits: Limits): boolean {
  return faultsOf(memory, limits).length === 0;
}

/** Memory of a worker by the number of windows in a micro-batch. */
export type MemoryAt = (windows: number) => MemoryBudget;

/**
 * The largest number of windows of a micro-batch that fits, at most `most`; 0 if one does not fit,
 * undefined if no limit is known. Memory grows almost linearly, so a linear estimate from 1 and 2
 * windows is corrected by search.
 */
export function largestWindows(
  memoryAt: MemoryAt,
  limits: Limits,
  { most }: { readonly most: number },
): number | undefined {
  const { binding, buffer, memory, workers } = limits;
  if (binding === undefined && buffer === undefined && memory === undefined) return undefined;
  const [one, two] = [memoryAt(1), memoryAt(2)];
  if (!fits(one, limits)) return 0;
  const room = (limit: number | undefined, sizeOf: (memory: MemoryBudget) => number): number => {
    const slope = sizeOf(two) - sizeOf(one);
    return limit === undefined || slope <= 0 ? most : 1 + Math.floor((limit - sizeOf(one)) / slope);
  };
  const guess = Math.min(
    room(binding, (m) => m.binding.bytes),
    room(buffer, (m) => m.buffer.bytes),
    room(memory, (m) => workers * m.total),
  );
  return corrected((windows) => fits(memoryAt(windows), limits), { guess, most });
}

/**
 * The largest n in [1, most] for which `holds` is true. Assumes that it holds for 1 and is
 * monotonic, which is almost true for windows: recomputation of large values can make a larger plan
 * smaller.
 */
function corrected(
  holds: (n: number) => boolean,
  { guess, most }: { guess: number; most: number },
): number {
  let low = 1;
  let high = most + 1;
  let at = Math.min(most, Math.max(1, guess));
  for (let step = 1; high - low > 1; step *= 2) {
    if (holds(at)) low = at;
    else high = at;
    // Gallop away from the guess until it is between two tries, then halve.
    const next = high > most ? low + step : low === 1 ? high - step : (low + high) >> 1;
    at = Math.min(high - 1, Math.max(low + 1, next));
  }
  return low;
}
