/** Who computes which micro-batches. Pure; the sum does not depend on it, only the work does. */

/** Micro-batches [first, first + count). */
export interface MicroBatchRange {
  readonly first: number;
  readonly count: number;
}

/**
 * One range per rank: contiguous, in order, counts differing by at most one. Where `world` divides
 * `microBatches`, both powers of two, each range is one aligned block and so one node of the tree.
 * With more workers than micro-batches some ranges are empty. RangeError for a world of none.
 */
export function assign(microBatches: number, world: number): MicroBatchRange[] {
  if (!Number.isInteger(world) || world < 1) {
    throw new RangeError(`Cannot assign micro-batches: needs at least one worker: got ${world}`);
  }
  const start = (rank: number) => Math.floor(rank * microBatches / world);
  return Array.from({ length: world }, (_, rank) => ({
    first: start(rank),
    count: start(rank + 1) - start(rank),
  }));
}

/** The ranges of ranks that take `counts` micro-batches each, in order. */
export function rangesOf(counts: readonly number[]): MicroBatchRange[] {
  let first = 0;
  return counts.map((count) => {
    const range = { first, count };
    first += count;
    return range;
  });
}
