/** Document boundaries as token positions, exact because documents are encoded separately. */

/** Document starts in a range of tokens, without the start of the range itself. */
export interface Documents {
  /** Number of document ends, including one at the end of the tokens. */
  readonly count: number;
  /** The first document start after `position`; Infinity if there is none. */
  after(position: number): number;
}

/** Documents that start at the ascending positions `begins`. */
export function documentsAt(begins: ArrayLike<number>): Documents {
  return {
    count: begins.length,
    after: (position) => begins[firstBehind(begins, position)] ?? Infinity,
  };
}

/** Index of the first of some ascending positions greater than `position`: binary search. */
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
 * [B, T]: for each token the position in its row where its document starts, 0 for the first
 * document. A document end belongs to the document before it. B = `windows`, T = `window`.
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
