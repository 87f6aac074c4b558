/**
 * GPT-2's pre-tokenizer: splits a text so that no token spans a split. Source: Radford et al.,
 * "Language Models are Unsupervised Multitask Learners" (2019), encoder.py of its release.
 */

/** Contractions; letters, digits or signs after at most one space; white space. */
const PIECE =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/**
 * Longest text for the pattern: V8 keeps a backtracking entry per character of a run and throws a
 * RangeError after some millions.
 */
const AT_ONCE = 1 << 20;

/** The pre-tokens of a text in order; they concatenate to the text. `atOnce` is for tests. */
export function pretokens(text: string, atOnce = AT_ONCE): readonly string[] {
  return text.length <= atOnce ? text.match(PIECE) ?? [] : piecesByHand(text);
}

const CONTRACTION = /'(?:s|t|re|ve|m|ll|d)/y;
/** Runs of one class, bounded to what V8 can backtrack. */
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

/** End of the pre-token at `at`: a run of one class after at most one space, or white space. */
function runEnd(text: string, at: number): number {
  const first = text[at] === " " && at + 1 < text.length ? at + 1 : at;
  const kind = kindAt(text, first);
  const start = kind === "space" ? at : first;
  let end = start;
  for (let to; (to = endOf(RUNS[kind], text, end)) > end;) end = to;
  // The last of several spaces belongs to the next word.
  return kind === "space" && end < text.length && end - at > 1 ? end - 1 : end;
}

/** End of the match of a sticky pattern; `at` without a match. */
function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

/**
 * Largest offset below the length at which {@linkcode pretokens} splits whatever text follows,
 * without effect on the pre-tokens before it; 0 if there is none.
 */
export function cutPretokens(text: string): number {
  let end = text.length;
  // A low surrogate may follow and make this a letter.
  if ((text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end--;
  let behind = end > 0 ? kindAt(text, end = startOf(text, end)) : "space";
  while (end > 0) {
    const start = startOf(text, end);
    const kind = kindAt(text, start);
    // What follows decides where white space is split; and `'` may begin a contraction.
    if (kind !== behind && kind !== "space" && !(behind === "letter" && text[start] === "'")) {
      return end;
    }
    behind = kind;
    end = start;
  }
  return 0;
}

/** Start of the character that ends at `end`. */
function startOf(text: string, end: number): number {
  return end > 1 && (text.codePointAt(end - 2) ?? 0) > 0xffff ? end - 2 : end - 1;
}

function kindAt(text: string, at: number): "letter" | "digit" | "space" | "sign" {
  const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
  if (/\p{L}/u.test(character)) return "letter";
  if (/\p{N}/u.test(character)) return "digit";
  return /\p{White_Space}/u.test(character) ? "space" : "sign";
}
