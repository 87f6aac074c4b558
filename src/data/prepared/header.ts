/**
 * Binary layout of a token shard, little-endian: a header of 128 bytes, the tokens, the CRC-32 of
 * each block of tokens, and the CRC-32 of that table.
 *
 *      0  "SHOALTOK"                            32  SHA-256 of the tokenizer, 32 bytes
 *      8  u32 version, 2                        64  u32 documents m that end in the shard
 *     12  u32 bytes per token, 2 or 4           68  zeros
 *     16  u64 tokens n                         124  u32 CRC-32 of the 124 bytes before
 *     24  u32 vocabulary                       128  n tokens
 *     28  u32 bytes per block, 65536                u32 CRC-32 of each block, the last may be shorter
 *                                                   u32 CRC-32 of these CRCs
 *                                                   m u32: tokens of the shard up to each document's end
 *                                                   u32 CRC-32 of these places
 *
 * Version 1 has zeros at byte 64 and ends after the CRC of the CRCs.
 */
import { crc32 } from "node:zlib";

/** Bytes of a header. */
export const SHARD_HEADER_BYTES = 128;
/** Bytes of a block, the unit of the stored checksums. */
export const BLOCK = 1 << 16;

const MAGIC = new TextEncoder().encode("SHOALTOK");
const [PLAIN, ENDED] = [1, 2] as const;
const SEALED = SHARD_HEADER_BYTES - 4;

/** Bytes per token. */
export type Width = 2 | 4;

/** Fields of a shard's header. */
export interface ShardHead {
  readonly width: Width;
  /** Number of tokens. */
  readonly tokens: number;
  /** Exclusive bound of token ids. */
  readonly vocabulary: number;
  /** SHA-256 of the tokenizer, 64 hex digits. */
  readonly tokenizerHash: string;
  /** Document ends in the shard; undefined in version 1. */
  readonly ends?: number | undefined;
}

/** The narrowest width that holds every token below `vocabulary`. */
export function widthFor(vocabulary: number): Width {
  return vocabulary <= 1 << 16 ? 2 : 4;
}

/** Number of blocks of a shard. */
export function blocksOf({ tokens, width }: ShardHead): number {
  return Math.ceil(tokens * width / BLOCK);
}

/** Offset of the table of document ends; in version 1 the end of the shard. */
export function endsOffset(head: ShardHead): number {
  return SHARD_HEADER_BYTES + head.tokens * head.width + 4 * blocksOf(head) + 4;
}

/** Bytes of a whole shard. */
export function shardBytes(head: ShardHead): number {
  return endsOffset(head) + (head.ends === undefined ? 0 : 4 * head.ends + 4);
}

/** Encodes a header. */
export function encodeShardHeader(head: ShardHead): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(SHARD_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint32(8, head.ends === undefined ? PLAIN : ENDED, true);
  view.setUint32(12, head.width, true);
  view.setBigUint64(16, BigInt(head.tokens), true);
  view.setUint32(24, head.vocabulary, true);
  view.setUint32(28, BLOCK, true);
  bytes.set(Uint8Array.fromHex(head.tokenizerHash), 32);
  view.setUint32(64, head.ends ?? 0, true);
  view.setUint32(SEALED, crc32(bytes.subarray(0, SEALED)), true);
  return bytes;
}

/** A fault of a header, and its byte offset. */
export interface HeadFault {
  readonly fault: string;
  readonly offset: number;
}

/** Decodes a header of 128 bytes, or returns its fault. */
export function decodeHead(bytes: Uint8Array): ShardHead | HeadFault {
  const view = new DataView(bytes.buffer, bytes.byteOffset, SHARD_HEADER_BYTES);
  if (!MAGIC.every((byte, i) => bytes[i] === byte)) {
    return { fault: "it does not begin with SHOALTOK", offset: 0 };
  }
  const version = view.getUint32(8, true);
  if (version !== PLAIN && version !== ENDED) {
    return { fault: `its version is ${version}, not ${PLAIN} or ${ENDED}`, offset: 8 };
  }
  if (crc32(bytes.subarray(0, SEALED)) !== view.getUint32(SEALED, true)) {
    return { fault: "its head does not match its CRC", offset: SEALED };
  }
  const width = view.getUint32(12, true);
  if (width !== 2 && width !== 4) return { fault: `it has ${width} bytes per token`, offset: 12 };
  const block = view.getUint32(28, true);
  if (block !== BLOCK) return { fault: `it has ${block} bytes per block`, offset: 28 };
  return {
    width,
    tokens: Number(view.getBigUint64(16, true)),
    vocabulary: view.getUint32(24, true),
    tokenizerHash: bytes.subarray(32, 64).toHex(),
    ...version === ENDED && { ends: view.getUint32(64, true) },
  };
}
