/**
 * Gives local tensors whole buffers to share. Largest tensors first, each into the first buffer
 * whose tensors are all dead while it lives (Pisarchyk and Lee, "Efficient Memory Management for
 * Deep Neural Net Inference", 2020, section 4: shared objects, greedy by size).
 */

/** A tensor's life: from the call that makes it to the last that reads it, both included. */
export interface Life {
  readonly size: number;
  readonly from: number;
  readonly to: number;
}

/** The buffer of each life, and the sizes of the buffers. */
export interface Pool {
  readonly slotOf: readonly number[];
  readonly sizes: readonly number[];
}

/**
 * Packs lives into buffers. Lives that meet in one call never share a buffer, so no call reads
 * and writes one buffer.
 */
export function pack(lives: readonly Life[]): Pool {
  const slots: { size: number; lives: Life[] }[] = [];
  const slotOf: number[] = new Array(lives.length).fill(-1);
  const order = lives.map((_, i) => i)
    .sort((a, b) => (lives[b] as Life).size - (lives[a] as Life).size || a - b);
  for (const i of order) {
    const life = lives[i] as Life;
    const free = slots.flatMap((slot, s) =>
      slot.lives.every((other) => apart(life, other)) ? [s] : []
    );
    const best = free.reduce<number | undefined>(
      (best, s) => best === undefined || idle(slots[s], life) < idle(slots[best], life) ? s : best,
      undefined,
    );
    if (best === undefined) slots.push({ size: life.size, lives: [life] });
    else slots[best]?.lives.push(life);
    slotOf[i] = best ?? slots.length - 1;
  }
  return { slotOf, sizes: slots.map((s) => s.size) };
}

function apart(a: Life, b: Life): boolean {
  return a.to < b.from || b.to < a.from;
}

/** Calls for which a buffer would lie idle next to a life: a tight fit leaves room for others. */
function idle(slot: { lives: Life[] } | undefined, life: Life): number {
  let gap = Infinity;
  for (const other of slot?.lives ?? []) {
    gap = Math.min(gap, other.to < life.from ? life.from - other.to : other.from - life.to);
  }
  return gap;
}
