/**
 * Encodes and decodes the fixed prefix of a frame. Pure. Little-endian:
 *   0 magic "SHL1" | 4 u8 version | 5 u8 flags | 6 u16 zero | 8 u32 header bytes | 12 u64 payload bytes
 *   20 u32 attempt | 24 u32 sequence | 28 u32 crc of 40..payload | 32 u32 crc of payload | 36 u32 crc of 0..35
 */
import { crc32 } from "node:zlib";
import { alignUp } from "../base/shape.ts";
import { ChannelError } from "./channel.ts";

/** Version of the frame format and of the handshake. */
export const PROTOCOL_VERSION = 1;
/** Bytes of the fixed prefix; the msgpack header follows it. */
export const PREFIX_BYTES = 40;
/** Largest msgpack header, in bytes. */
export const MAX_HEADER = 64 * 1024;
/** Default limit of a payload, in bytes. */
export const MAX_PAYLOAD = 4 * 2 ** 30;
/** The payload starts at a multiple of this many bytes from the start of its frame. */
export const ALIGNMENT = 64;

const MAGIC = 0x314c_4853; // "SHL1" read as a little-endian u32

/** The fields that the sender sets. */
export interface FrameInfo {
  readonly payloadLength: number;
  readonly attempt: number;
  readonly sequence: number;
  readonly payloadCrc: number;
}

/** A decoded prefix. `headerCrc` covers the msgpack header and its padding. */
export interface Prefix extends FrameInfo {
  readonly headerLength: number;
  readonly headerCrc: number;
}

/** CRC-32 of the bytes, continued from `crc`. */
export function checksum(bytes: Uint8Array, crc = 0): number {
  return crc32(bytes, crc) >>> 0;
}

/** Bytes from the start of a frame to its payload. */
export function headBytes(headerLength: number): number {
  return alignUp(PREFIX_BYTES + headerLength, ALIGNMENT);
}

/** The next sequence number, modulo 2^32. */
export function nextSequence(sequence: number): number {
  return (sequence + 1) >>> 0;
}

/** Writes prefix and header into `target`; returns that part of it. */
export function encodePrefix(target: Uint8Array, info: FrameInfo, header: Uint8Array): Uint8Array {
  const head = target.subarray(0, headBytes(header.length));
  head.set(header, PREFIX_BYTES);
  head.fill(0, PREFIX_BYTES + header.length);
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  view.setUint32(0, MAGIC, true);
  view.setUint8(4, PROTOCOL_VERSION);
  view.setUint8(5, 0);
  view.setUint16(6, 0, true);
  view.setUint32(8, header.length, true);
  view.setBigUint64(12, BigInt(info.payloadLength), true);
  view.setUint32(20, info.attempt, true);
  view.setUint32(24, info.sequence, true);
  view.setUint32(28, checksum(head.subarray(PREFIX_BYTES)), true);
  view.setUint32(32, info.payloadCrc, true);
  view.setUint32(36, checksum(head.subarray(0, 36)), true);
  return head;
}

/**
 * Decodes the prefix. Its sizes are within the limits, and its CRC detects a flipped bit that would
 * make the reader wait for bytes that never come. @throws {ChannelError}
 */
export function decodePrefix(bytes: Uint8Array, maxPayload: number): Prefix {
  const view = new DataView(bytes.buffer, bytes.byteOffset, PREFIX_BYTES);
  const magic = view.getUint32(0, true);
  if (magic !== MAGIC) throw refused("magic 0x314c4853", `0x${magic.toString(16)}`);
  const version = view.getUint8(4);
  if (version !== PROTOCOL_VERSION) throw refused(`version ${PROTOCOL_VERSION}`, version);
  const crc = checksum(bytes.subarray(0, 36));
  if (crc !== view.getUint32(36, true)) throw refused("an intact prefix", "its CRC-32 differs");
  const flags = view.getUint8(5) | view.getUint16(6, true);
  if (flags !== 0) throw refused("no flags", flags);
  const headerLength = view.getUint32(8, true);
  if (headerLength > MAX_HEADER) throw refused(`a header of at most ${MAX_HEADER} B`, headerLength);
  const payloadLength = Number(view.getBigUint64(12, true));
  if (payloadLength > maxPayload) {
    throw refused(`a payload of at most ${maxPayload} B`, payloadLength);
  }
  return {
    headerLength,
    payloadLength,
    attempt: view.getUint32(20, true),
    sequence: view.getUint32(24, true),
    headerCrc: view.getUint32(28, true),
    payloadCrc: view.getUint32(32, true),
  };
}

function refused(needed: string, actual: string | number): ChannelError {
  return new ChannelError(`Cannot read a frame: needs ${needed}: got ${actual}`);
}
