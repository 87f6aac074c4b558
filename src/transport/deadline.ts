/** A deadline that does not count the time in which the event loop is blocked. */

/** Timers in a row that make up a deadline. */
const PARTS = 10;

/**
 * Calls `work` after `ms` milliseconds in which the event loop ran. A device that computes blocks the
 * loop; one timer over all of `ms` would then fire before data that has already arrived is read. With
 * timers in a row, a block of any length counts as one part. Returns a function that cancels it.
 */
export function afterTurns(ms: number, work: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const turn = (left: number) => {
    timer = setTimeout(() => left === 1 ? work() : turn(left - 1), ms / PARTS);
  };
  turn(PARTS);
  return () => clearTimeout(timer);
}
