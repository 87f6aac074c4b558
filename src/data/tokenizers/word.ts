/**
 * The word tokenizer: one token per white-space-separated word. Line ends are `<eos>`, as in
 * word-level corpora (Penn Treebank, WikiText); other words are `<unk>`.
 */
import { UserError } from "../../base/user_error.ts";
import type { TokenizerSpec } from "../schema.ts";
import { invalidId } from "./invalid_id.ts";
import type { Tokenizer, TokenStream } from "./types.ts";
import { isWhiteSpace } from "./white_space.ts";

/** Text of the token of unknown words. */
export const UNKNOWN = "<unk>";
/** Name of the token that ends lines and documents. */
export const LINE_END = "<eos>";
/** Tokens before the first word. */
export const SPECIAL = 2;
const UNKNOWN_ID = 0;
const LINE_END_ID = 1;
const LINE_FEED = 10;

/** The tokenizer of a list of words. @throws {UserError} `data` for duplicates or invalid words. */
export function wordTokenizer(words: readonly string[]): Tokenizer {
  const ids = new Map(words.map((word, i) => [word, i + SPECIAL]));
  if (ids.size < words.length) throw unusable("distinct words", "one stands there twice");
  const bad = words.find((word) => !isWord(word));
  if (bad !== undefined) throw unusable("words without white space", JSON.stringify(bad));
  const texts = [UNKNOWN, "\n", ...words];
  const stream = () => joined(texts);
  return {
    kind: "word",
    size: texts.length,
    end: LINE_END_ID,
    unknown: UNKNOWN_ID,
    encode(text) {
      const out = new Uint32Array(text.length);
      let n = 0;
      eachWord(text, (start, end) => {
        out[n++] = start === end ? LINE_END_ID : ids.get(text.slice(start, end)) ?? UNKNOWN_ID;
      });
      return out.slice(0, n);
    },
    decode(tokens) {
      const { push } = stream();
      return Array.from(tokens, push).join("");
    },
    stream,
    cut: cutWords,
    toJSON: () => ({ kind: "word", words: [...words] }),
  };
}

/** The tokenizer of a spec. */
export function wordTokenizerOf({ words }: TokenizerSpec & { kind: "word" }): Tokenizer {
  return wordTokenizer(words);
}

/** Calls `take` with start and end of each word in UTF-16 units; start === end is a line end. */
export function eachWord(text: string, take: (start: number, end: number) => void): void {
  let start = -1;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (!isWhiteSpace(unit)) {
      if (start < 0) start = i;
      continue;
    }
    if (start >= 0) take(start, i);
    start = -1;
    if (unit === LINE_FEED) take(i, i);
  }
  if (start >= 0) take(start, text.length);
}

/** Largest offset below the length with white space on either side; 0 if there is none. */
export function cutWords(text: string): number {
  for (let i = text.length - 1; i > 0; i--) {
    if (isWhiteSpace(text.charCodeAt(i)) || isWhiteSpace(text.charCodeAt(i - 1))) return i;
  }
  return 0;
}

/** Decodes words with single spaces between them, none at line ends. */
function joined(texts: readonly string[]): TokenStream {
  let space = "";
  return {
    push(id) {
      const text = texts[id] ?? invalidId(id, texts.length);
      const before = id === LINE_END_ID ? "" : space;
      space = id === LINE_END_ID ? "" : " ";
      return before + text;
    },
    flush() {
      space = "";
      return "";
    },
  };
}

/** Whether a word can be in the vocabulary. */
function isWord(word: string): boolean {
  return word.length > 0 && word !== UNKNOWN && word !== LINE_END && word.isWellFormed() &&
    !/\p{White_Space}/u.test(word);
}

function unusable(need: string, actual: string): UserError {
  return new UserError("data", `Cannot make a tokenizer of words: need ${need}: ${actual}`);
}
