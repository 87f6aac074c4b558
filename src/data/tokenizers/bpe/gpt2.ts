/**
 * GPT-2's tokens (Radford et al., 2019), from the ranks in the package js-tiktoken. Each token's
 * merge is the pair of parts that the merges of lower rank leave of it.
 */
import ranks from "js-tiktoken/ranks/gpt2";
import type { ByteBpe } from "./byte_bpe.ts";
import { byteBpe } from "./byte_bpe.ts";
import { Merges } from "./merges.ts";
import type { Tokenizer } from "../types.ts";

/** Number of tokens. */
export const SIZE = 50257;
/** End-of-document token. */
export const END = 50256;

/** Tables of the tokenizer, with its merges in order of rank. */
export interface Gpt2Parts extends ByteBpe {
  readonly pairs: readonly (readonly [number, number])[];
}

let parts: Gpt2Parts | undefined;

/** The tables, built on first use in about 0.1 s. */
export function gpt2Parts(): Gpt2Parts {
  return parts ??= makeParts();
}

/** GPT-2's tokenizer; encodes `<|endoftext|>` in a text as text. */
export function gpt2Tokenizer(): Tokenizer {
  return {
    kind: "gpt2",
    size: SIZE,
    end: END,
    unknown: undefined,
    ...byteBpe(gpt2Parts, SIZE),
    toJSON: () => ({ kind: "gpt2" }),
  };
}

function makeParts(): Gpt2Parts {
  const tokens = readTokens(ranks.bpe_ranks);
  const byteTokens = new Uint32Array(256);
  const merges = new Merges();
  const pairs: (readonly [number, number])[] = [];
  for (const [id, bytes] of tokens.entries()) {
    if (bytes.length === 1) {
      byteTokens[bytes[0] as number] = id;
      continue;
    }
    const pair = merges.apply(Array.from(bytes, (byte) => byteTokens[byte] as number));
    const [left, right] = pair;
    if (left === undefined || right === undefined || pair.length > 2) {
      throw new TypeError(`Cannot read GPT-2's ranks: need two parts of token ${id}: ${pair}`);
    }
    merges.add(left, right, id);
    pairs.push([left, right]);
  }
  return { tokens: [...tokens, new Uint8Array()], byteTokens, merges, pairs };
}

/** Lines of `! <first rank> <base64> <base64> ...`. */
function readTokens(lines: string): Uint8Array[] {
  const tokens: Uint8Array[] = [];
  for (const line of lines.split("\n")) {
    const [, first, ...texts] = line.split(" ");
    for (const [i, text] of texts.entries()) {
      tokens[Number(first) + i] = Uint8Array.fromBase64(text);
    }
  }
  return tokens;
}
