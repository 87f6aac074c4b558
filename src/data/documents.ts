/** Where documents begin in a window, by the tokens that end them. Knows no files and no sources. */

/** Whether `end` lies in `tokens` so that its last token is at `last`; an empty `end` lies nowhere. */
export function endsAt(tokens: Uint32Array, last: number, end: readonly number[]): boolean {
  const first = last - end.length + 1;
  return end.length > 0 && first >= 0 && end.every((token, i) => tokens[first + i] === token);
}

/**
 * For each position of each row of inputs [B, T] the position in its row at which its document
 * begins: 0 for the one that the row begins in. A document's end belongs to it.
 */
export function documentStarts(
  inputs: Uint32Array,
  { window, end }: { readonly window: number; readonly end: readonly number[] },
): Uint32Array {
  const starts = new Uint32Array(inputs.length);
  for (let row = 0; row < inputs.length; row += window) {
    const own = inputs.subarray(row, row + window);
    let start = 0;
    for (let t = 0; t < own.length; t++) {
      if (t > 0 && endsAt(own, t - 1, end)) start = t;
      starts[row + t] = start;
    }
  }
  return starts;
}
