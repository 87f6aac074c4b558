/** A text to train on, made of words from a seeded generator. Knows no files. */

const WORDS = "the sea a whale of and ship in captain to harpoon that his boat with it all white"
  .split(" ");

/** About `length` characters of lowercase words in lines; equal for equal seeds. */
export function textOf(seed: number, length: number): string {
  let state = seed;
  let text = "";
  for (let n = 1; text.length < length; n++) {
    // Numerical Recipes' linear congruence: good enough to pick words.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    text += WORDS[Math.floor(state / 2 ** 32 * WORDS.length)] + (n % 9 === 0 ? ".\n" : " ");
  }
  return text;
}
