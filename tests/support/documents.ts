/** Documents of tokens that a test made: where they begin. */
import type { DocumentStarts } from "../../src/data/text.ts";

/** Places behind each `end`, which do not overlap: a definition to hold others to. */
export function beginsOf(tokens: ArrayLike<number>, end: readonly number[]): Uint32Array {
  const begins: number[] = [];
  for (let at = 0; at + end.length <= tokens.length;) {
    const found = end.length > 0 && end.every((token, i) => tokens[at + i] === token);
    if (found) begins.push(at + end.length);
    at += found ? end.length : 1;
  }
  return Uint32Array.from(begins);
}

/** The same for both parts of a text. */
export function beginsIn(
  { train, validation }: Readonly<Record<"train" | "validation", ArrayLike<number>>>,
  end: readonly number[],
): DocumentStarts {
  return { train: beginsOf(train, end), validation: beginsOf(validation, end) };
}
