/** Random access to the tokens of a prepared folder, read from disk on demand. */
import { bytesOf, hashValue, sha256 } from "../../base/hash.ts";
import { type Documents, firstBehind } from "../documents.ts";
import type { Tokens } from "../tokens.ts";
import { readIndex, type TextPart } from "./folder.ts";
import type { PreparedIndex, ShardIndex } from "./schema.ts";
import { readTokenizer } from "./tokenizer.ts";
import { Shard } from "./shard.ts";
import { preparedHash } from "./token_hash.ts";

/** Tokens of a prepared folder. */
export interface PreparedTokens extends Tokens, Disposable {
  /** SHA-256 (hex) of the folder's tokenizer. */
  readonly tokenizerHash: string;
  /**
   * SHA-256 (hex) over the index entry, the CRCs of all blocks, and the document ends if loaded.
   * Equal proofs mean equal tokens, without reading any block.
   */
  readonly proof: string;
}

/**
 * Opens a split for random access. Verifies headers, lengths and tables of all shards now, each
 * block when first read. @throws {UserError} `noInput` or `data` with file and offset, also on
 * reads.
 */
export function openTokens(
  path: string,
  part: TextPart,
  { documents = false }: {
    /** Whether to load document boundaries into memory. */
    documents?: boolean;
  } = {},
): PreparedTokens {
  const index = readIndex(path);
  const tokens = new ShardedTokens(
    openEach(path, { ...index.tokenizer, shards: index[part].shards }),
    index,
  );
  if (documents) tokens.loadDocuments(() => endToken(path, index));
  return tokens;
}

/**
 * The token that only ends documents; undefined if there is none: the word tokenizer uses one token
 * for line ends and document ends.
 */
function endToken(path: string, { options }: PreparedIndex): number | undefined {
  const tokenizer = options.ends ? readTokenizer(path) : undefined;
  return tokenizer?.kind === "word" ? undefined : tokenizer?.end;
}

/** Shards that form one stream of tokens. */
export interface ShardList {
  /** SHA-256 of the tokenizer. */
  readonly hash: string;
  readonly vocabulary: number;
  readonly shards: readonly ShardIndex[];
}

/** As {@linkcode openTokens}, for shards without an index. */
export function openShards(path: string, list: ShardList): Tokens & Disposable {
  return new ShardedTokens(openEach(path, list));
}

/** Opens the shards of a folder; closes all if one is damaged. */
export function openEach(path: string, { hash, vocabulary, shards }: ShardList): Shard[] {
  const open: Shard[] = [];
  try {
    for (const shard of shards) {
      open.push(new Shard(path, { shard, tokenizerHash: hash, vocabulary }));
    }
    return open;
  } catch (error) {
    for (const shard of open) shard[Symbol.dispose]();
    throw error;
  }
}

class ShardedTokens implements PreparedTokens {
  readonly length: number;
  readonly #shards: readonly Shard[];
  readonly #index: PreparedIndex | undefined;
  /** Position of each shard's first token, then the total length. */
  readonly #starts: Float64Array;
  #documents: Documents | undefined;
  /** Hash of each shard's document ends, if loaded. */
  #ends: readonly string[] = [];

  constructor(shards: readonly Shard[], index?: PreparedIndex) {
    this.#shards = shards;
    this.#index = index;
    this.#starts = new Float64Array(shards.length + 1);
    shards.forEach(({ head }, i) => this.#starts[i + 1] = this.#startOf(i) + head.tokens);
    this.length = this.#startOf(shards.length);
  }

  get documents(): Documents | undefined {
    return this.#documents;
  }

  get tokenizerHash(): string {
    return this.#index?.tokenizer.hash ?? "";
  }

  get proof(): string {
    const index = this.#index;
    return hashValue({
      prepared: index && preparedHash(index.tokenizer.hash, index),
      shards: this.#shards.map(({ head, tableHash }) => ({ ...head, tableHash })),
      ends: this.#ends,
    });
  }

  /** Loads document boundaries; `token` finds them in version 1 shards. */
  loadDocuments(token: () => number | undefined): void {
    const old = this.#shards.some(({ head }) => head.ends === undefined);
    const sought = old ? token() : undefined;
    const ends = this.#shards.map((shard) => shard.ends(sought));
    this.#ends = ends.map((own) => sha256(bytesOf(own)));
    this.#documents = {
      count: ends.reduce((sum, { length }) => sum + length, 0),
      after: (position) => {
        for (let i = this.#holding(position); i < ends.length; i++) {
          const own = ends[i] as Uint32Array;
          const place = own[firstBehind(own, position - this.#startOf(i))];
          if (place !== undefined) return this.#startOf(i) + place;
        }
        return Infinity;
      },
    };
  }

  read(start: number, into: Uint32Array): void {
    if (!(start >= 0 && start + into.length <= this.length)) {
      throw new RangeError(
        `Cannot read tokens: need ${start + into.length} of them: there are ${this.length}`,
      );
    }
    for (let at = 0; at < into.length;) {
      const i = this.#holding(start + at);
      const n = Math.min(into.length - at, this.#startOf(i + 1) - (start + at));
      this.#shards[i]?.read(start + at - this.#startOf(i), into.subarray(at, at + n));
      at += n;
    }
  }

  [Symbol.dispose](): void {
    for (const shard of this.#shards) shard[Symbol.dispose]();
  }

  #startOf(shard: number): number {
    return this.#starts[shard] as number;
  }

  /** Index of the shard that contains a position: binary search. */
  #holding(position: number): number {
    let low = 0;
    let high = this.#shards.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#startOf(middle) <= position) low = middle;
      else high = middle;
    }
    return low;
  }
}
