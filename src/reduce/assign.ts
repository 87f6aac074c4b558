/** Assigns micro-batches to ranks, which affects the load but not the sum. Pure. */

/** Micro-batches [first, first + count). */
export interface MicroBatchRange {
  readonly first: number;
  readonly count: number;
}

/**
 * One range per rank: contiguous, in order, with counts that differ by at most one. If both numbers
 * are powers of two and `world` divides `microBatches`, each range is one node of the tree. With
 * more workers than micro-batches, some ranges are empty. @throws {RangeError} if `world` is below
 * 1.
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

/** The consecutive ranges of ranks with these numbers of micro-batches. */
export function rangesOf(counts: readonly number[]): MicroBatchRange[] {
  let first = 0;
  return counts.map((count) => {
    const range = { first, count };
    first += count;
    return range;
  });
}
