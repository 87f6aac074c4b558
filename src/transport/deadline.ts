/** A timeout that excludes time in which the event loop is blocked. */

/** Consecutive timers that make up a timeout. */
const PARTS = 10;

/**
 * Calls `work` after `ms` milliseconds of event loop time; returns a function that cancels it. GPU
 * calls block the loop, and a single timer would then fire before data that has already arrived is
 * read. With consecutive timers, a block of any length counts as one part.
 */
export function afterLoopTime(ms: number, work: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const schedule = (left: number) => {
    timer = setTimeout(() => left === 1 ? work() : schedule(left - 1), ms / PARTS);
  };
  schedule(PARTS);
  return () => clearTimeout(timer);
}
