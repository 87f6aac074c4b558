/** Safe split points of tokenizers without context across characters. */

/** Largest offset below the length that is not inside a surrogate pair; 0 if there is none. */
export function cutCharacter(text: string): number {
  // Keep surrogate pairs whole.
  return Math.max(0, text.length - ((text.slice(-2).codePointAt(0) ?? 0) > 0xffff ? 2 : 1));
}
