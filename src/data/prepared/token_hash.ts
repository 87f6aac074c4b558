/**
 * A hash of a stream of tokens that does not depend on how shards cut it, and that can go on where it
 * stopped: with h0 = 32 zero bytes, each h = SHA-256(h before, the next 65536 tokens as they are
 * stored); the last may have fewer. Between blocks nothing else need be kept.
 */
import { createHash, type Hash } from "node:crypto";
import { hashValue } from "../../base/hash.ts";
import type { Width } from "./header.ts";

/** Tokens of a link of the chain. */
export const LINK = 1 << 16;

/** The hash of all whole links so far, as 64 hex digits; what is behind them is not in it. */
export type Chain = string;

/** The chain before the first token. */
export const CHAIN_START: Chain = "0".repeat(64);

/** Hashes tokens as they come. */
export class TokenHash {
  readonly #linkBytes: number;
  #chain: Chain;
  #hash: Hash;
  #filled = 0;

  /** Goes on from `chain`, whose next token is the first that is pushed. */
  constructor(width: Width, chain: Chain = CHAIN_START) {
    this.#linkBytes = LINK * width;
    this.#chain = chain;
    this.#hash = begin(chain);
  }

  /** The hash of all whole links. */
  get chain(): Chain {
    return this.#chain;
  }

  /** Adds tokens as they are stored. */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const n = Math.min(bytes.length - at, this.#linkBytes - this.#filled);
      this.#hash.update(bytes.subarray(at, at + n));
      at += n;
      this.#filled += n;
      if (this.#filled === this.#linkBytes) {
        this.#chain = this.#hash.digest("hex");
        this.#hash = begin(this.#chain);
        this.#filled = 0;
      }
    }
  }

  /** The hash of all tokens so far. */
  digest(): string {
    return this.#filled === 0 ? this.#chain : this.#hash.copy().digest("hex");
  }
}

function begin(chain: Chain): Hash {
  return createHash("sha256").update(Uint8Array.fromHex(chain));
}

/** What identifies prepared tokens: the tokenizer, and the number and the hash of both splits' tokens. */
export function preparedHash(
  tokenizerHash: string,
  splits: Readonly<Record<"train" | "validation", { tokens: number; hash: string }>>,
): string {
  const facts = ({ tokens, hash }: { tokens: number; hash: string }) => ({ tokens, hash });
  return hashValue({
    what: "shoal-tokens-1",
    tokenizer: tokenizerHash,
    train: facts(splits.train),
    validation: facts(splits.validation),
  });
}
