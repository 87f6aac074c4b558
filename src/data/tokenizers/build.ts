/**
 * Builds a tokenizer from a name such as `word:10000`, trained on the text if needed, in bounded
 * memory. The caller reads files.
 */
import { UserError } from "../../base/user_error.ts";
import { byteTokenizer } from "./byte.ts";
import { CharacterSet } from "./char.ts";
import { bpeTokenizerOf } from "./bpe/bpe.ts";
import { PieceCounts } from "./bpe/count.ts";
import { gpt2Tokenizer } from "./bpe/gpt2.ts";
import { namingFile } from "./limits.ts";
import { tokenizerFrom } from "./mod.ts";
import { specOfTokenizerJson } from "./recognize.ts";
import { BpeTrainer } from "./bpe/train.ts";
import type { Tokenizer } from "./types.ts";
import { resplit } from "./resplit.ts";
import { isTokenizerModule, learnsText, learnTokenizer } from "./user/user.ts";
import { cutWords, eachWord, LINE_END, SPECIAL, UNKNOWN, wordTokenizer } from "./word.ts";

/** `char`, `byte`, `word`, `word:10000`, `gpt2`, `bpe:4096`, or the path of a tokenizer.json. */
export type TokenizerName = string;

/** Trains on a text, then builds its tokenizer. */
export interface TokenizerBuilder {
  /** Whether the whole text must be added before {@linkcode build}. */
  readonly needsText: boolean;
  /** Adds the next chunk of the text, split between any two characters. */
  add(text: string): void;
  /** Ends a document: no word continues across. */
  endDocument(): void;
  /** @throws {UserError} `data` for a text without characters or words. */
  build(): Tokenizer;
  /** Notices for the user; complete after {@linkcode build}. */
  readonly notes: readonly string[];
}

/** Options of {@linkcode tokenizerBuilder}. */
export interface BuildOptions {
  /** Whether to add an end-of-document token if the tokenizer has none. */
  readonly end: boolean;
  /** The parsed tokenizer.json, if the name is its path. */
  readonly json?: unknown;
}

/**
 * Memory bounds of the counters in UTF-16 units, plus 32 per string: about 150 MB for 400,000
 * words, and 100 MB for half as many BPE pre-tokens.
 */
const WORDS = 2 ** 24;
const PIECES = 2 ** 23;
/** Largest vocabulary. */
const LARGEST = 2 ** 20;

/** The builder for a name. @throws {UserError} `config` for an unknown name. */
export function tokenizerBuilder(name: TokenizerName, options: BuildOptions): TokenizerBuilder {
  const { json } = options;
  if (json !== undefined) {
    return ready(namingFile(name, () => tokenizerFrom(specOfTokenizerJson(json))));
  }
  if (isTokenizerModule(name)) return userBuilder(name);
  const { end } = options;
  const [, kind, size] = /^(word|bpe):(.*)$/.exec(name) ?? [];
  switch (kind ?? name) {
    case "char":
      return charBuilder(end);
    case "byte":
      return ready(byteTokenizer({ end }));
    case "word":
      return wordBuilder(size === undefined ? LARGEST : sizeIn(name, size, SPECIAL + 1));
    case "gpt2":
      return ready(gpt2Tokenizer());
    case "bpe":
      if (size !== undefined) return bpeBuilder(sizeIn(name, size, end ? 257 : 256), end);
  }
  throw new UserError(
    "config",
    `Cannot make a tokenizer: need char, byte, word, word:N, gpt2, bpe:N or the path of a ` +
      `tokenizer.json: ${name}`,
  );
}

/** A builder of a tokenizer that needs no training. */
function ready(tokenizer: Tokenizer): TokenizerBuilder {
  return {
    needsText: false,
    add: () => {},
    endDocument: () => {},
    build: () => tokenizer,
    notes: [],
  };
}

/** A tokenizer of the user's module, which has the whole text at once. */
function userBuilder(path: string): TokenizerBuilder {
  const parts: string[] = [];
  return {
    needsText: learnsText(path),
    add: (text) => void parts.push(text),
    endDocument: () => {},
    build: () => learnTokenizer(path, parts.join("")),
    notes: [],
  };
}

function charBuilder(end: boolean): TokenizerBuilder {
  const set = new CharacterSet();
  return {
    needsText: true,
    add: (text) => set.add(text),
    endDocument: () => {},
    build: () => set.tokenizer({ end }),
    notes: [],
  };
}

/** Builds a word tokenizer of the `size` most frequent words, including <unk> and line end. */
function wordBuilder(size: number): TokenizerBuilder {
  const seen = new PieceCounts(WORDS);
  const notes: string[] = [];
  const whole = resplit((text) =>
    eachWord(text, (start, end) => {
      if (start < end) seen.add(text.slice(start, end));
    }), cutWords);
  return {
    needsText: true,
    add: whole.add,
    endDocument: whole.flush,
    build() {
      whole.flush();
      const words = seen.take()
        .map(([word]) => word)
        .filter((word) => word !== UNKNOWN && word !== LINE_END)
        .slice(0, size - SPECIAL);
      if (seen.dropped > 0) notes.push(droppedNote(seen.dropped));
      if (words.length > 0) return wordTokenizer(words);
      throw new UserError(
        "data",
        "Cannot make a tokenizer of words: need at least one word: the text has none",
      );
    },
    notes,
  };
}

/** Trains byte-level BPE: at most `size` tokens, including 256 bytes and the end token. */
function bpeBuilder(size: number, end: boolean): TokenizerBuilder {
  const trainer = new BpeTrainer({ counted: PIECES });
  const notes: string[] = [];
  return {
    needsText: true,
    add: (text) => trainer.add(text),
    endDocument: () => trainer.endDocument(),
    build() {
      const trained = trainer.train({ size, end });
      if (trained.size < size) {
        notes.push(
          `the text has pairs for ${trained.size} tokens, not ${size}: no other comes twice`,
        );
      }
      if (trained.dropped > 0) notes.push(droppedNote(trained.dropped));
      return bpeTokenizerOf({ kind: "bpe", tokenizer: trained.json });
    },
    notes,
  };
}

function droppedNote(dropped: number): string {
  return `${dropped} rare words were dropped, so that the others are counted in bounded memory`;
}

/** The vocabulary size in a name. @throws {UserError} `config` when it is out of range. */
function sizeIn(name: string, text: string, least: number): number {
  const size = /^\d+$/.test(text) ? Number(text) : NaN;
  if (size >= least && size <= LARGEST) return size;
  throw new UserError(
    "config",
    `Cannot make a tokenizer ${name}: need a number of tokens in [${least}, ${LARGEST}]: ${text}`,
  );
}
