/**
 * An open token shard with verified positioned reads. The first read of a block checks it against
 * the table of CRCs and records a CRC per page; later reads check only the pages they touch. So a
 * file that changes after its first read is detected.
 *
 * Pages bound the cost: a training window reads its own pages, not a block of 64 KiB. The CRC of a
 * page takes 0.4 us at 10 GiB/s, next to some microseconds for seek and read, and batches are made
 * while the device computes. The page CRCs take 1/1024 of the memory of the tokens read.
 */
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { bytesOf, sha256 } from "../../base/hash.ts";
import { UserError } from "../../base/user_error.ts";
import { OpenFile } from "./files.ts";
import {
  BLOCK,
  blocksOf,
  decodeHead,
  endsOffset,
  SHARD_HEADER_BYTES,
  shardBytes,
  type ShardHead,
} from "./header.ts";
import type { ShardIndex } from "./schema.ts";

/** The index entry of a shard. */
export interface Expected {
  readonly shard: ShardIndex;
  readonly tokenizerHash: string;
  readonly vocabulary: number;
}

/** Bytes of a page, the unit of later checks. It divides a block. */
const PAGE = 1 << 12;

/** Scratch block, shared by all readers of a process because reading is synchronous. */
const scratch = new Uint8Array(BLOCK);

/** A shard whose header, length and table match the index; blocks are checked when read. */
export class Shard implements Disposable {
  readonly head: ShardHead;
  readonly #path: string;
  readonly #file: OpenFile;
  /** CRC of each block. */
  readonly #table: DataView;
  /** CRC of each page of the blocks checked so far. */
  readonly #pages = new Map<number, Uint32Array>();

  /** @throws {UserError} `data` with the file and the offset, if any. */
  constructor(folder: string, expected: Expected) {
    this.#path = join(folder, expected.shard.file);
    this.#file = new OpenFile(this.#path);
    try {
      this.head = this.#readHead(expected);
      this.#table = this.#readTable(expected.shard.crc);
    } catch (error) {
      this.#file[Symbol.dispose]();
      throw error;
    }
  }

  /** Number of blocks. */
  get blocks(): number {
    return blocksOf(this.head);
  }

  /** SHA-256 (hex) of the table of CRCs. */
  get tableHash(): string {
    return sha256(bytesOf(this.#table));
  }

  /** Copies the tokens from `start` into `into`; the range must lie in this shard. */
  read(start: number, into: Uint32Array): void {
    const { width } = this.head;
    const perBlock = BLOCK / width;
    for (let at = 0; at < into.length;) {
      const token = start + at;
      const block = Math.floor(token / perBlock);
      const first = token - block * perBlock;
      const n = Math.min(into.length - at, perBlock - first);
      into.set(
        tokensOf(this.#checked(block, { from: first * width, bytes: n * width }), width),
        at,
      );
      at += n;
    }
  }

  /** The verified bytes of a block, valid until the next call on any shard. */
  block(block: number): Uint8Array {
    const { width, vocabulary } = this.head;
    const from = block * BLOCK;
    const bytes = scratch.subarray(0, this.#bytesOf(block));
    this.#fill(SHARD_HEADER_BYTES + from, bytes);
    if (crc32(bytes) !== this.#table.getUint32(4 * block, true)) {
      const changed = this.#pages.has(block) ? ", which it did when it was first read" : "";
      this.#refuse(
        `its block ${block} (bytes ${SHARD_HEADER_BYTES + from} to ${
          SHARD_HEADER_BYTES + from + bytes.length
        }) does not match its CRC${changed}`,
      );
    }
    const ids = tokensOf(bytes, width);
    for (let i = 0; i < ids.length; i++) {
      if (ids[i] as number >= vocabulary) {
        const offset = SHARD_HEADER_BYTES + from + i * width;
        this.#refuse(
          `its token ${ids[i]} at byte ${offset} is outside the vocabulary of ${vocabulary}`,
        );
      }
    }
    if (!this.#pages.has(block)) this.#pages.set(block, crcsOfPages(bytes));
    return bytes;
  }

  /** Verified bytes of a block from `from` on. */
  #checked(block: number, { from, bytes }: { from: number; bytes: number }): Uint8Array {
    const crcs = this.#pages.get(block);
    if (crcs === undefined) return this.block(block).subarray(from, from + bytes);
    const [first, last] = [Math.floor(from / PAGE), Math.ceil((from + bytes) / PAGE)];
    const start = first * PAGE;
    const read = scratch.subarray(0, Math.min(last * PAGE, this.#bytesOf(block)) - start);
    this.#fill(SHARD_HEADER_BYTES + block * BLOCK + start, read);
    for (let page = first; page < last; page++) {
      const at = (page - first) * PAGE;
      if (crc32(read.subarray(at, at + PAGE)) === crcs[page]) continue;
      const [begin, end] = [at, Math.min(at + PAGE, read.length)]
        .map((each) => SHARD_HEADER_BYTES + block * BLOCK + start + each);
      this.#refuse(
        `its block ${block} (bytes ${begin} to ${end}) changed after it was first read`,
      );
    }
    return read.subarray(from - start, from - start + bytes);
  }

  #bytesOf(block: number): number {
    const { tokens, width } = this.head;
    return Math.min(BLOCK, tokens * width - block * BLOCK);
  }

  /**
   * Token counts up to each document end in this shard, ascending. A version 1 shard has no table
   * and is searched for the end token `token`.
   */
  ends(token: number | undefined): Uint32Array {
    if (this.head.ends !== undefined) return this.#readEnds(this.head.ends);
    if (token !== undefined) return this.#findEnds(token);
    this.#refuse("it does not tell where documents end, as older ones do not: prepare it again");
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  #readEnds(count: number): Uint32Array {
    const offset = endsOffset(this.head);
    const bytes = new Uint8Array(4 * count + 4);
    this.#fill(offset, bytes);
    const places = new Uint32Array(bytes.buffer, 0, count);
    if (crc32(bytes.subarray(0, -4)) !== new DataView(bytes.buffer).getUint32(4 * count, true)) {
      this.#refuse(`its table of documents at byte ${offset} does not match its CRC`);
    }
    const last = places.at(-1) ?? 0;
    if (last > this.head.tokens || places.some((place, i) => place <= (places[i - 1] ?? 0))) {
      this.#refuse(`its table of documents at byte ${offset} is not in order`);
    }
    return places;
  }

  #findEnds(token: number): Uint32Array {
    const places: number[] = [];
    for (let block = 0, at = 0; block < this.blocks; block++) {
      const ids = tokensOf(this.block(block), this.head.width);
      for (let i = 0; i < ids.length; i++) if (ids[i] === token) places.push(at + i + 1);
      at += ids.length;
    }
    return Uint32Array.from(places);
  }

  #fill(offset: number, bytes: Uint8Array): void {
    const n = this.#file.read(offset, bytes);
    if (n < bytes.length) this.#refuse(`it ends at byte ${offset + n}`);
  }

  #readHead({ shard, tokenizerHash, vocabulary }: Expected): ShardHead {
    const bytes = new Uint8Array(SHARD_HEADER_BYTES);
    if (this.#file.bytes < SHARD_HEADER_BYTES) {
      this.#refuse(`it ends at byte ${this.#file.bytes}, within its head`);
    }
    this.#fill(0, bytes);
    const head = decodeHead(bytes);
    if ("fault" in head) this.#refuse(`${head.fault} (byte ${head.offset})`);
    if (head.tokenizerHash !== tokenizerHash) {
      this.#refuse(
        `its tokenizer has the hash ${head.tokenizerHash}, the folder's ${tokenizerHash}`,
      );
    }
    if (head.vocabulary !== vocabulary) {
      this.#refuse(`its vocabulary is ${head.vocabulary}, the folder's ${vocabulary}`);
    }
    if (head.tokens !== shard.tokens) {
      this.#refuse(`it has ${head.tokens} tokens, the index says ${shard.tokens}`);
    }
    const need = shardBytes(head);
    if (this.#file.bytes !== need) {
      const { bytes } = this.#file;
      this.#refuse(
        bytes < need
          ? `it ends at byte ${bytes} of ${need}`
          : `it goes on behind its end at byte ${need} to byte ${bytes}`,
      );
    }
    return head;
  }

  #readTable(crc: number): DataView {
    const bytes = new Uint8Array(4 * blocksOf(this.head) + 4);
    const offset = SHARD_HEADER_BYTES + this.head.tokens * this.head.width;
    this.#fill(offset, bytes);
    const view = new DataView(bytes.buffer);
    const stored = view.getUint32(bytes.length - 4, true);
    if (crc32(bytes.subarray(0, -4)) !== stored) {
      this.#refuse(`its table of CRCs at byte ${offset} does not match its own CRC`);
    }
    if (stored !== crc) {
      this.#refuse(`its table of CRCs at byte ${offset} is not the one of the index`);
    }
    return view;
  }

  #refuse(fault: string): never {
    throw new UserError("data", `Cannot read ${this.#path}: ${fault}`);
  }
}

function crcsOfPages(bytes: Uint8Array): Uint32Array {
  return Uint32Array.from(
    { length: Math.ceil(bytes.length / PAGE) },
    (_, page) => crc32(bytes.subarray(page * PAGE, (page + 1) * PAGE)),
  );
}

function tokensOf(bytes: Uint8Array, width: 2 | 4): Uint16Array | Uint32Array {
  const { buffer, byteOffset, length } = bytes;
  return width === 2
    ? new Uint16Array(buffer, byteOffset, length / 2)
    : new Uint32Array(buffer, byteOffset, length / 4);
}
