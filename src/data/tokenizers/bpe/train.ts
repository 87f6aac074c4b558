/** Trains a byte-level BPE tokenizer: counts pre-tokens, learns merges, writes tokenizer.json. */
import { joinedBytes } from "../../../base/bytes.ts";
import { writeByteLevel } from "./byte_level.ts";
import { PieceCounts } from "./count.ts";
import { type LearnedPiece, learnPairs } from "./learn.ts";
import { cutPretokens, pretokens } from "./pretokens.ts";
import { BYTES } from "../byte_unicode.ts";
import { resplit } from "../resplit.ts";

/** Result of training. */
export interface Trained {
  /** A tokenizer.json. */
  readonly json: Record<string, unknown>;
  /** Vocabulary size; smaller than configured if the text has too few pairs. */
  readonly size: number;
  /** Occurrences of pre-tokens evicted from the counter. */
  readonly dropped: number;
}

/** Counts a text chunk by chunk, then trains. */
export class BpeTrainer {
  readonly #seen: PieceCounts;
  readonly #text = resplit((text) => {
    for (const piece of pretokens(text)) this.#seen.add(piece);
  }, cutPretokens);

  /** `counted`: memory bound of the counter in UTF-16 units. */
  constructor({ counted }: { readonly counted: number }) {
    this.#seen = new PieceCounts(counted);
  }

  /** Adds the next chunk of the text. */
  add(text: string): void {
    this.#text.add(text);
  }

  /** Ends a document: no pre-token continues across. */
  endDocument(): void {
    this.#text.flush();
  }

  /** Trains a vocabulary of at most `size`: 256 bytes, merges, and the end token if `end`. */
  train({ size, end }: { readonly size: number; readonly end: boolean }): Trained {
    this.#text.flush();
    const tokens = BYTES.map((byte) => Uint8Array.of(byte));
    const ids = new Map(tokens.map((bytes, id) => [bytes.toHex(), id]));
    const pairs: [number, number][] = [];
    const idOfByte = new Uint32Array(256);
    for (const [id, byte] of BYTES.entries()) idOfByte[byte] = id;
    const encoder = new TextEncoder();
    const asBytes = function* (seen: Iterable<[string, number]>): Generator<LearnedPiece> {
      for (const [text, count] of seen) {
        yield [encoder.encode(text).map((byte) => idOfByte[byte] as number), count];
      }
    };
    learnPairs(
      asBytes(this.#seen.take()),
      {
        enough: () => tokens.length + (end ? 1 : 0) >= size,
        join(left, right) {
          // Copy without spread: a token may be as long as the longest run of one character.
          const bytes = joinedBytes(tokens[left] as Uint8Array, tokens[right] as Uint8Array);
          pairs.push([left, right]);
          const name = bytes.toHex();
          const known = ids.get(name);
          if (known !== undefined) return known;
          ids.set(name, tokens.length);
          return tokens.push(bytes) - 1;
        },
      },
    );
    return {
      json: writeByteLevel({ tokens, pairs }, { end }),
      size: tokens.length + (end ? 1 : 0),
      dropped: this.#seen.dropped,
    };
  }
}
