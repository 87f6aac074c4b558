/** Distributes micro-batches over workers of unequal speed. Pure. */

/** Samples from which a worker's speed is estimated. */
export const SPEED_SAMPLES = 8;

/**
 * Micro-batches by rank with the shortest makespan (greedy list scheduling): each goes to the rank
 * that would finish it first, the lower rank on a tie. Every rank gets at least one while there are
 * enough. `ms` is each rank's time for one micro-batch.
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

/** Milliseconds until the last rank finishes. */
export function makespan(counts: readonly number[], ms: readonly number[]): number {
  return counts.reduce(
    (most, count, rank) => Math.max(most, count * (ms[rank] as number)),
    -Infinity,
  );
}

/** The median of a worker's latest times, or undefined with fewer than `SPEED_SAMPLES`. */
export function speedOf(times: readonly number[]): number | undefined {
  if (times.length < SPEED_SAMPLES) return undefined;
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];
}

/**
 * Equal shares; the lower ranks take the remainder. As {@linkcode balancedShares} for equal speeds.
 */
export function equalShares(microBatches: number, world: number): number[] {
  return balancedShares(microBatches, new Array(world).fill(1));
}
