/** Time as a process can use it: what stands still cannot be answered meanwhile. */

/** Parts of a time, each of which must have had its turn of the event loop. */
const PARTS = 10;

/**
 * Calls `work` after `ms` in which the event loop turned. While a device computes, Deno's stands
 * still; however long that is, it counts as one part, and what came meanwhile is read before the next.
 * Gives the way to call it off.
 */
export function afterTurns(ms: number, work: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const turn = (left: number) => {
    timer = setTimeout(() => left === 1 ? work() : turn(left - 1), ms / PARTS);
  };
  turn(PARTS);
  return () => clearTimeout(timer);
}
