/**
 * GPT-2's pre-tokens: a text is cut into pieces, and no token reaches over a cut. Source: Radford
 * et al., "Language Models are Unsupervised Multitask Learners" (2019), encoder.py of its release.
 */

/** Contractions; letters, digits or signs behind at most one space; white space. */
const PIECE =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/**
 * Units of text that the pattern takes at once. It keeps a place to go back to for each character of
 * a run, and the engine throws a RangeError when a run has some millions of them.
 */
const AT_ONCE = 1 << 20;

/** The pieces of a text, in order; together they are the text. `atOnce` is for tests. */
export function pretokens(text: string, atOnce = AT_ONCE): readonly string[] {
  return text.length <= atOnce ? text.match(PIECE) ?? [] : piecesByHand(text);
}

const CONTRACTION = /'(?:s|t|re|ve|m|ll|d)/y;
/** Runs of one kind, no longer than the engine can go back over. */
const RUNS = {
  letter: /\p{L}{1,65536}/uy,
  digit: /\p{N}{1,65536}/uy,
  sign: /[^\p{White_Space}\p{L}\p{N}]{1,65536}/uy,
  space: /\p{White_Space}{1,65536}/uy,
};

/** As {@linkcode PIECE}, for runs of any length. */
function piecesByHand(text: string): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length;) {
    const to = text[at] === "'" ? endOf(CONTRACTION, text, at) : at;
    const end = to > at ? to : runEnd(text, at);
    pieces.push(text.slice(at, end));
    at = end;
  }
  return pieces;
}

/** Where the run that begins at `at` ends: one kind behind at most one space, or white space. */
function runEnd(text: string, at: number): number {
  const first = text[at] === " " && at + 1 < text.length ? at + 1 : at;
  const kind = kindAt(text, first);
  const start = kind === "space" ? at : first;
  let end = start;
  for (let to; (to = endOf(RUNS[kind], text, end)) > end;) end = to;
  // The last of several spaces belongs to the word behind it.
  return kind === "space" && end < text.length && end - at > 1 ? end - 1 : end;
}

/** Where the match of a sticky pattern ends; `at` where there is none. */
function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
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
