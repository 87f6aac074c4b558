/** How many micro-batches each worker should take, from how long each needs for one. Pure. */

/** Samples that a worker's speed is judged by. */
export const SAMPLES = 8;

/**
 * Micro-batches by rank that end soonest: each in turn goes to whoever would be done with it first,
 * the lower rank when two would; nobody is left without one while there are enough. `ms` is what a
 * rank needs for one micro-batch.
 */
export function balancedShares(microBatches: number, ms: readonly number[]): number[] {
  const counts: number[] = ms.map((_, rank) => rank < microBatches ? 1 : 0);
  for (let left = microBatches - ms.length; left > 0; left--) {
    const ends = ms.map((each, rank) => each * ((counts[rank] as number) + 1));
    const soonest = ends.reduce((best, end, rank) => end < (ends[best] as number) ? rank : best, 0);
    counts[soonest] = (counts[soonest] as number) + 1;
  }
  return counts;
}

/** Milliseconds until the last of them is done. */
export function span(counts: readonly number[], ms: readonly number[]): number {
  return counts.reduce(
    (most, count, rank) => Math.max(most, count * (ms[rank] as number)),
    -Infinity,
  );
}

/** The middle of a worker's latest times, or undefined while there are too few. */
export function speedOf(times: readonly number[]): number | undefined {
  if (times.length < SAMPLES) return undefined;
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];
}

/** Equal shares, the lower ranks' not smaller: as {@linkcode balancedShares} for workers of one speed. */
export function equalShares(microBatches: number, world: number): number[] {
  return balancedShares(microBatches, new Array(world).fill(1));
}
