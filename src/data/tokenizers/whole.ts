/** A text that comes cut anywhere, handed on cut where it may be. */
import { UserError } from "../../base/user_error.ts";

/** Takes pieces of a text, and at last what is left of it. */
export interface WholePieces {
  add(text: string): void;
  flush(): void;
}

/** Units that are held while no place to cut comes. */
const LONGEST = 1 << 26;

/**
 * Hands a text on to `take` in parts that end where `cut` says, as a tokenizer's `cut` does.
 * @throws {UserError} `data` for a text of which `longest` units have no place to cut.
 */
export function wholePieces(
  take: (text: string) => void,
  cut: (text: string) => number,
  longest = LONGEST,
): WholePieces {
  let rest = "";
  let next = 0;
  return {
    add(text) {
      rest += text;
      // A long run is looked through again only once it has doubled.
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
