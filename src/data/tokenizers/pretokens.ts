/**
 * GPT-2's pre-tokens: a text is cut into pieces, and no token reaches over a cut. Source: Radford
 * et al., "Language Models are Unsupervised Multitask Learners" (2019), encoder.py of its release.
 */

/** Contractions; letters, digits or signs behind at most one space; white space. */
const PIECE =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/** The pieces of a text, in order; together they are the text. */
export function pretokens(text: string): readonly string[] {
  return text.match(PIECE) ?? [];
}

/**
 * Largest place below the length at which {@linkcode pretokens} cuts whatever follows the text, and
 * at which the pieces before it do not depend on what is behind; 0 where there is none.
 */
export function cutPretokens(text: string): number {
  let end = text.length;
  // The second half of this pair may follow, and make it a letter.
  if ((text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end--;
  let behind = end > 0 ? kindAt(text, end = startOf(text, end)) : "space";
  while (end > 0) {
    const start = startOf(text, end);
    const kind = kindAt(text, start);
    // A run of white space is cut or not by what follows it; and `'` may begin a contraction.
    if (kind !== behind && kind !== "space" && !(behind === "letter" && text[start] === "'")) {
      return end;
    }
    behind = kind;
    end = start;
  }
  return 0;
}

/** Where the character that ends at `end` starts. */
function startOf(text: string, end: number): number {
  return end > 1 && (text.codePointAt(end - 2) ?? 0) > 0xffff ? end - 2 : end - 1;
}

function kindAt(text: string, at: number): "letter" | "digit" | "space" | "sign" {
  const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
  if (/\p{L}/u.test(character)) return "letter";
  if (/\p{N}/u.test(character)) return "digit";
  return /\p{White_Space}/u.test(character) ? "space" : "sign";
}
