/** Where a text may be cut when every character stands for itself. */

/** Largest place below the length that is not inside a character; 0 where there is none. */
export function cutCharacter(text: string): number {
  // Half of a pair is no character.
  return Math.max(0, text.length - ((text.slice(-2).codePointAt(0) ?? 0) > 0xffff ? 2 : 1));
}
