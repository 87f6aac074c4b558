/**
 * Pairs as tokens: a pair is a document of its source, an end, its target, an end. So pairs are sent,
 * hashed and checked as all tokens are. Pure.
 */
import { foldName, rootKey, unit } from "../../base/random.ts";
import { UserError } from "../../base/user_error.ts";
import type { Tokenizer } from "../tokenizers/types.ts";
import type { Pair } from "./parse.ts";

/** The token that ends a source and a target. */
export const SIDE_END = "</s>";
/** The token that fills sides up, and with which a target begins, as Marian has it. */
export const SIDE_PAD = "<pad>";

/** Tokens of pairs, and the positions behind each. */
export interface PairTokens {
  readonly tokens: Uint32Array;
  readonly begins: Uint32Array;
}

/** What was encoded. */
export interface EncodedPairs {
  readonly train: PairTokens;
  readonly validation: PairTokens;
  /** Pairs that were left out, since a side is longer than the window. */
  readonly long: number;
}

/** How pairs are encoded. */
export interface PairEncoding {
  readonly tokenizer: Tokenizer;
  /** Most tokens of a side, its end included. */
  readonly most: number;
  /** Part of the pairs to validate on. */
  readonly validation: number;
  /** Name for errors. */
  readonly name: string;
}

/**
 * Encodes pairs in order. Which part a pair belongs to is decided by its source alone, so that all
 * targets of a source are in one part, whatever the order of the file.
 * @throws {UserError} `data` for characters without a token, and when all are too long.
 */
export function encodePairs(
  pairs: readonly Pair[],
  { tokenizer, most, validation, name }: PairEncoding,
): EncodedPairs {
  const end = tokenizer.special?.(SIDE_END) as number;
  const parts = { train: new PairRow(end), validation: new PairRow(end) };
  let long = 0;
  for (const [i, { source, target }] of pairs.entries()) {
    const [left, right] = encoded(tokenizer, { source, target }, `pair ${i + 1} of ${name}`);
    if (left.length >= most || right.length >= most) long++;
    else (isHeldOut(source, validation) ? parts.validation : parts.train).add(left, right);
  }
  if (long === pairs.length) {
    throw new UserError(
      "data",
      `Cannot read pairs of ${name}: need sides of at most ${
        most - 1
      } tokens (data.seq_len less an ` +
        `end): all ${long} pairs are longer`,
    );
  }
  return { train: parts.train.all(), validation: parts.validation.all(), long };
}

function encoded(
  tokenizer: Tokenizer,
  { source, target }: Pair,
  what: string,
): [Uint32Array, Uint32Array] {
  try {
    return [tokenizer.encode(source), (tokenizer.target ?? tokenizer).encode(target)];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(error.exit, `${error.message} in ${what}`);
  }
}

/** Whether a source is validated on: by its hash, so that a file may be sorted in any way. */
export function isHeldOut(source: string, share: number): boolean {
  return unit(foldName(rootKey(0), source)[0]) < share;
}

/** Collects pairs. */
class PairRow {
  readonly #end: number;
  readonly #parts: Uint32Array[] = [];
  readonly #begins: number[] = [];
  #length = 0;

  constructor(end: number) {
    this.#end = end;
  }

  add(...sides: readonly Uint32Array[]): void {
    const end = Uint32Array.of(this.#end);
    for (const side of sides) {
      this.#parts.push(side, end);
      this.#length += side.length + 1;
    }
    this.#begins.push(this.#length);
  }

  all(): PairTokens {
    const tokens = new Uint32Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      tokens.set(part, at);
      at += part.length;
    }
    return { tokens, begins: Uint32Array.from(this.#begins) };
  }
}
