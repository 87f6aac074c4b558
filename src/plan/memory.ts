/**
 * Assigns local tensors to shared buffers by lifetime: largest tensors first, each into the buffer
 * with the tightest free interval (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural
 * Net Inference", 2020, section 4: shared objects, greedy by size).
 */

/** A tensor's size and lifetime: from the call that produces it to the last reader, inclusive. */
export interface Lifetime {
  readonly size: number;
  readonly from: number;
  readonly to: number;
}

/** The buffer of each tensor, and the sizes of the buffers. */
export interface Pool {
  readonly slotOf: readonly number[];
  readonly sizes: readonly number[];
}

/**
 * Packs lifetimes into buffers. Lifetimes that overlap in one call never share a buffer, so no call
 * reads and writes the same buffer.
 */
export function pack(lives: readonly Lifetime[]): Pool {
  const slots: { size: number; lives: Lifetime[] }[] = [];
  const slotOf: number[] = new Array(lives.length).fill(-1);
  const order = lives.map((_, i) => i)
    .sort((a, b) => (lives[b] as Lifetime).size - (lives[a] as Lifetime).size || a - b);
  for (const i of order) {
    const life = lives[i] as Lifetime;
    let [best, least, place] = [-1, Infinity, 0];
    for (const [s, slot] of slots.entries()) {
      const at = placeOf(slot.lives, life);
      const gap = idle(slot.lives, at, life);
      if (gap < least) [best, least, place] = [s, gap, at];
    }
    if (best < 0) slots.push({ size: life.size, lives: [life] });
    else slots[best]?.lives.splice(place, 0, life);
    slotOf[i] = best < 0 ? slots.length - 1 : best;
  }
  return { slotOf, sizes: slots.map((s) => s.size) };
}

/** How many lifetimes of a buffer, in order, start before `life`. */
function placeOf(lives: readonly Lifetime[], life: Lifetime): number {
  let [low, high] = [0, lives.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lives[middle] as Lifetime).from < life.from) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Calls for which a buffer would be idle next to a lifetime inserted at index `at` (best fit);
 * infinite if the buffer is not free.
 */
function idle(lives: readonly Lifetime[], at: number, life: Lifetime): number {
  const [before, after] = [lives[at - 1], lives[at]];
  const since = before === undefined ? Infinity : life.from - before.to;
  const until = after === undefined ? Infinity : after.from - life.to;
  return since <= 0 || until <= 0 ? Infinity : Math.min(since, until);
}
