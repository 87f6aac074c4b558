/** The tokens of a prepared folder by position: nothing is loaded but what is asked for. */
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
   * SHA-256 (hex) over all that the tokens of this part are held to when they are read: what the index
   * says that they are, the CRCs of all blocks, and where documents end if that was asked. Equal ones
   * give equal tokens; no block need be read for it.
   */
  readonly proof: string;
}

/**
 * Reads by position, each block checked by its CRC when it is first touched. Heads, lengths and
 * tables of all shards are checked at once. @throws {Refusal} `noInput` or `data`, naming the file
 * and the offset; reading throws it as well.
 */
export function openTokens(
  path: string,
  part: TextPart,
  { documents = false }: {
    /** Whether documents are told apart: their ends are then held in memory. */
    documents?: boolean;
  } = {},
): PreparedTokens {
  const index = readIndex(path);
  const tokens = new ShardedTokens(
    openEach(path, { ...index.tokenizer, shards: index[part].shards }),
    index,
  );
  if (documents) tokens.tellDocuments(() => endToken(path, index));
  return tokens;
}

/**
 * The token that ends documents in a folder and nothing else; undefined where there is none: words
 * have one token for the end of a line and of a document.
 */
function endToken(path: string, { options }: PreparedIndex): number | undefined {
  const tokenizer = options.ends ? readTokenizer(path) : undefined;
  return tokenizer?.kind === "word" ? undefined : tokenizer?.end;
}

/** Shards that make one stream of tokens. */
export interface ShardList {
  /** Of the tokenizer. */
  readonly hash: string;
  readonly vocabulary: number;
  readonly shards: readonly ShardIndex[];
}

/** As {@linkcode openTokens}, of shards that no index need name. */
export function openShards(path: string, list: ShardList): Tokens & Disposable {
  return new ShardedTokens(openEach(path, list));
}

/** The shards of a folder. When one is refused, those before it are closed. */
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
  /** Position of each shard's first token, and of the end. */
  readonly #starts: Float64Array;
  #documents: Documents | undefined;
  /** Hash of each shard's ends of documents, where they were read. */
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

  /** Reads where documents end; `token` finds them in shards that do not tell. */
  tellDocuments(token: () => number | undefined): void {
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

  /** Number of the shard that holds a position. */
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
