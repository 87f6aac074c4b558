/**
 * A resumable hash of a token stream, independent of shard sizes: h0 = 32 zero bytes, h(i+1) =
 * SHA-256(h(i), the next 65536 tokens as stored); the last link may have fewer. At a link boundary
 * h is the whole state.
 */
import { createHash, type Hash } from "node:crypto";
import { hashValue } from "../../base/hash.ts";
import type { Width } from "./header.ts";

/** Tokens per link of the hash chain. */
export const LINK = 1 << 16;

/** The hash of all complete links, as 64 hex digits. */
export type Chain = string;

/** The chain before the first token. */
export const CHAIN_START: Chain = "0".repeat(64);

/** Incremental hash of tokens. */
export class TokenHash {
  readonly #linkBytes: number;
  #chain: Chain;
  #hash: Hash;
  #filled = 0;

  /** Resumes from `chain`: the first token pushed follows its links. */
  constructor(width: Width, chain: Chain = CHAIN_START) {
    this.#linkBytes = LINK * width;
    this.#chain = chain;
    this.#hash = begin(chain);
  }

  /** The hash of all complete links. */
  get chain(): Chain {
    return this.#chain;
  }

  /** Adds tokens in their stored bytes. */
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

/** Identity of prepared tokens: tokenizer hash, token counts and token hashes of both splits. */
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
