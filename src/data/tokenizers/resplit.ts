/** Re-splits a stream of text chunks at safe split points. */
import { UserError } from "../../base/user_error.ts";

/** A sink for chunks of a text; flush() passes on the rest. */
export interface ChunkSink {
  add(text: string): void;
  flush(): void;
}

/** Maximum UTF-16 units buffered without a split point. */
const LONGEST = 1 << 26;

/**
 * Passes a text to `take` in parts that end at the split points of `cut` (see Tokenizer.cut).
 * @throws {UserError} `data` when `longest` units have no split point.
 */
export function resplit(
  take: (text: string) => void,
  cut: (text: string) => number,
  longest = LONGEST,
): ChunkSink {
  let rest = "";
  let next = 0;
  return {
    add(text) {
      rest += text;
      // Search a long run again only when it has doubled, to stay linear.
      if (rest.length < next) return;
      const place = cut(rest);
      take(rest.slice(0, place));
      rest = rest.slice(place);
      next = place === 0 ? 2 * rest.length : 0;
      if (rest.length <= longest) return;
      throw new UserError(
        "data",
        `Cannot make a tokenizer: need words of at most ${longest} characters: one is longer`,
      );
    },
    flush() {
      take(rest);
      rest = "";
      next = 0;
    },
  };
}
