/** Where documents begin: exact places among the tokens, found in the text before it was encoded. */

/** Places in a stretch of tokens at which documents begin, but for the one that it begins with. */
export interface Documents {
  /** How many ends the tokens hold, one at their very end included. */
  readonly count: number;
  /** The first place behind `position` at which a document begins; Infinity where none does. */
  after(position: number): number;
}

/** Documents that begin at rising places, each right behind the end of the one before. */
export function documentsAt(begins: ArrayLike<number>): Documents {
  return {
    count: begins.length,
    after: (position) => begins[firstBehind(begins, position)] ?? Infinity,
  };
}

/** Number of the first of some rising places that lies behind `position`. */
export function firstBehind(places: ArrayLike<number>, position: number): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (places[middle] as number > position) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * For each position of B = `windows` rows of T = `window` tokens the position in its row at which its
 * document begins: 0 for the one that the row begins in. A document's end belongs to it.
 */
export function documentStarts(
  rows: readonly {
    readonly tokens: { readonly documents?: Documents | undefined };
    readonly start: number;
  }[],
  { window, windows }: { readonly window: number; readonly windows: number },
): Uint32Array {
  const starts = new Uint32Array(windows * window);
  for (const [row, { tokens: { documents }, start }] of rows.entries()) {
    if (documents === undefined) continue;
    let begin = 0;
    let next = documents.after(start);
    for (let t = 1; t < window; t++) {
      if (start + t === next) {
        begin = t;
        next = documents.after(next);
      }
      starts[row * window + t] = begin;
    }
  }
  return starts;
}
