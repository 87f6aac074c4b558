/** A text that comes cut anywhere, handed on cut where it may be. */

/** Takes pieces of a text, and at last what is left of it. */
export interface WholePieces {
  add(text: string): void;
  flush(): void;
}

/** Hands a text on to `take` in parts that end where `cut` says, as a tokenizer's `cut` does. */
export function wholePieces(
  take: (text: string) => void,
  cut: (text: string) => number,
): WholePieces {
  let rest = "";
  return {
    add(text) {
      const all = rest + text;
      const place = cut(all);
      take(all.slice(0, place));
      rest = all.slice(place);
    },
    flush() {
      take(rest);
      rest = "";
    },
  };
}
