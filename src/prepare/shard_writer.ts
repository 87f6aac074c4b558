/**
 * Writes the shards of one side of the split. A shard gets its final name only after it was synced;
 * a killed process leaves a temporary file, which is overwritten.
 */
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { isLockLost } from "../base/user_error.ts";
import { writeAllSync } from "../base/files/write_all.ts";
import { shardName, type TextPart } from "../data/prepared/folder.ts";
import {
  BLOCK,
  blocksOf,
  encodeShardHeader,
  SHARD_HEADER_BYTES,
  type ShardHead,
} from "../data/prepared/header.ts";
import { CHAIN_START, LINK, TokenHash } from "../data/prepared/token_hash.ts";
import { openShards } from "../data/prepared/tokens.ts";
import { recreate } from "../report/atomic.ts";
import type { TextPiece } from "./pieces.ts";
import type { Side } from "./schema.ts";

/** Header fields shared by all shards of a folder. */
export type ShardKind = Omit<ShardHead, "tokens" | "ends">;

/** Blocks per write. */
const BLOCKS = 8;

/** A side before its first token. */
export const NO_SIDE: Side = {
  tokens: 0,
  documents: 0,
  characters: 0,
  bytes: 0,
  unknown: 0,
  chain: CHAIN_START,
  shards: [],
};

/** Writes shards, resuming from the state of a side. */
export class SideWriter implements Disposable {
  readonly #folder: string;
  readonly #part: TextPart;
  readonly #check: () => void;
  readonly #kind: ShardKind;
  readonly #hash: TokenHash;
  readonly #buffer = new Uint8Array(BLOCKS * BLOCK);
  readonly #units: Uint16Array | Uint32Array;
  #side: Side;
  #file: Deno.FsFile | undefined;
  #tokens = 0;
  /** Tokens in the buffer. */
  #held = 0;
  #table: number[] = [];
  /** Token counts up to each document end in the shard. */
  #ends: number[] = [];

  /** `check` is called before each effect and throws if another process took over the folder. */
  constructor(
    folder: string,
    { part, kind, side, check }: { part: TextPart; kind: ShardKind; side: Side; check: () => void },
  ) {
    this.#folder = folder;
    this.#check = check;
    this.#part = part;
    this.#kind = kind;
    this.#side = side;
    const { buffer } = this.#buffer;
    this.#units = kind.width === 2 ? new Uint16Array(buffer) : new Uint32Array(buffer);
    this.#hash = hashOf(folder, { kind, side });
  }

  /** The side up to its last shard. */
  get side(): Side {
    return this.#side;
  }

  /** Hash of all tokens in shards. */
  get hash(): string {
    return this.#hash.digest();
  }

  /** Tokens not yet in a shard. */
  get tokens(): number {
    return this.#tokens;
  }

  /** Adds tokens, which must be below the vocabulary size. */
  write(ids: Uint32Array): void {
    if (ids.length < this.#units.length - this.#held) {
      this.#units.set(ids, this.#held);
      this.#held += ids.length;
      this.#tokens += ids.length;
      return;
    }
    for (let at = 0; at < ids.length;) {
      const n = Math.min(ids.length - at, this.#units.length - this.#held);
      this.#units.set(ids.subarray(at, at + n), this.#held);
      at += n;
      this.#held += n;
      if (this.#held === this.#units.length) this.#flush();
    }
    this.#tokens += ids.length;
  }

  /** Counts a piece after its tokens were written. */
  count(
    { characters, bytes, ends, unknown }: Pick<TextPiece, "characters" | "bytes" | "ends"> & {
      readonly unknown: number;
    },
  ): void {
    const side = this.#side;
    const place = ends ? this.#tokens : 0;
    // An empty document ends where the previous one does: no new entry.
    if (place > (this.#ends.at(-1) ?? 0)) this.#ends.push(place);
    this.#side = {
      ...side,
      documents: side.documents + (ends ? 1 : 0),
      characters: side.characters + characters,
      bytes: side.bytes + bytes,
      ...side.unknown !== undefined && { unknown: side.unknown + unknown },
    };
  }

  /** Publishes a shard of the tokens since the last one, if any. Throws system errors. */
  commit(at: (point: string) => void): void {
    if (this.#tokens === 0) return;
    this.#flush();
    const file = this.#opened();
    const head: ShardHead = { ...this.#kind, tokens: this.#tokens, ends: this.#ends.length };
    const table = new Uint8Array(4 * blocksOf(head) + 4);
    const view = new DataView(table.buffer);
    this.#table.forEach((crc, i) => view.setUint32(4 * i, crc, true));
    const crc = crc32(table.subarray(0, -4));
    view.setUint32(table.length - 4, crc, true);
    writeAllSync(file, table);
    writeAllSync(file, sealed(this.#ends));
    file.seekSync(0, Deno.SeekMode.Start);
    writeAllSync(file, encodeShardHeader(head));
    at("sync shard");
    file.syncSync();
    file.close();
    this.#file = undefined;
    const name = shardName(this.#part, this.#side.shards.length);
    at("publish shard");
    this.#check();
    Deno.renameSync(this.#temp(), join(this.#folder, name));
    this.#side = {
      ...this.#side,
      tokens: this.#side.tokens + this.#tokens,
      chain: this.#hash.chain,
      shards: [...this.#side.shards, { file: name, tokens: this.#tokens, crc }],
    };
    this.#tokens = 0;
    this.#table = [];
    this.#ends = [];
  }

  /** Discards tokens not yet in a shard. */
  [Symbol.dispose](): void {
    if (this.#file === undefined) return;
    this.#file.close();
    this.#file = undefined;
    try {
      this.#check();
      Deno.removeSync(this.#temp());
    } catch (error) {
      // Another process took over the folder, which is already reported.
      if (!isLockLost(error)) throw error;
    }
  }

  #flush(): void {
    if (this.#held === 0) return;
    const bytes = this.#buffer.subarray(0, this.#held * this.#kind.width);
    for (let at = 0; at < bytes.length; at += BLOCK) {
      this.#table.push(crc32(bytes.subarray(at, at + BLOCK)));
    }
    this.#hash.push(bytes);
    writeAllSync(this.#opened(), bytes);
    this.#held = 0;
  }

  #opened(): Deno.FsFile {
    if (this.#file !== undefined) return this.#file;
    this.#check();
    this.#file = recreate(this.#temp());
    this.#file.seekSync(SHARD_HEADER_BYTES, Deno.SeekMode.Start);
    return this.#file;
  }

  #temp(): string {
    return join(this.#folder, `.${this.#part}.tmp`);
  }
}

/** Restores the token hash from the last complete link. */
function hashOf(folder: string, { kind, side }: { kind: ShardKind; side: Side }): TokenHash {
  const hash = new TokenHash(kind.width, side.chain);
  const ids = new Uint32Array(side.tokens % LINK);
  if (ids.length === 0) return hash;
  const { tokenizerHash, vocabulary } = kind;
  using tokens = openShards(folder, { hash: tokenizerHash, vocabulary, shards: side.shards });
  tokens.read(tokens.length - ids.length, ids);
  const stored = kind.width === 2 ? Uint16Array.from(ids) : ids;
  hash.push(new Uint8Array(stored.buffer));
  return hash;
}

/** Numbers as u32, followed by their CRC-32. */
function sealed(numbers: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * numbers.length + 4);
  const view = new DataView(bytes.buffer);
  numbers.forEach((number, i) => view.setUint32(4 * i, number, true));
  view.setUint32(4 * numbers.length, crc32(bytes.subarray(0, -4)), true);
  return bytes;
}
