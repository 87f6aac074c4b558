/**
 * An independent reader of the msgpack subset of headers, written from the specification and the
 * rules in src/transport/scan.ts. A slow reference for tests.
 */

/** Thrown for invalid input. */
export class Malformed extends Error {}

const FORBIDDEN = ["__proto__", "constructor", "prototype"];

interface Rest {
  bytes: Uint8Array;
  items: number;
}

/** The value in the bytes. @throws {Malformed} */
export function readMsgpack(bytes: Uint8Array): unknown {
  const rest = { bytes, items: 0 };
  const value = readValue(rest, 1);
  if (rest.bytes.length > 0) throw new Malformed("more bytes");
  return value;
}

function readValue(rest: Rest, depth: number): unknown {
  if (depth > 6) throw new Malformed("too deep");
  if (++rest.items > 4096) throw new Malformed("too much");
  const tag = take(rest, 1)[0] as number;
  if (tag <= 0x7f) return tag;
  if (tag >= 0xe0) return tag - 256;
  if (tag <= 0x8f) return readMap(rest, tag - 0x80, depth);
  if (tag <= 0x9f) return readList(rest, tag - 0x90, depth);
  if (tag <= 0xbf) return readText(rest, tag - 0xa0);
  const sized = SIZED[tag];
  if (sized !== undefined) return sized(rest, depth);
  throw new Malformed("a tag that is no plain value");
}

/** Values by tag, as in the specification. */
const SIZED: Readonly<Record<number, (rest: Rest, depth: number) => unknown>> = {
  0xc0: () => null,
  0xc2: () => false,
  0xc3: () => true,
  0xc4: (rest) => take(rest, uint(rest, 1)).slice(),
  0xc5: (rest) => take(rest, uint(rest, 2)).slice(),
  0xc6: (rest) => take(rest, uint(rest, 4)).slice(),
  0xca: (rest) => viewOf(take(rest, 4)).getFloat32(0),
  0xcb: (rest) => viewOf(take(rest, 8)).getFloat64(0),
  0xcc: (rest) => uint(rest, 1),
  0xcd: (rest) => uint(rest, 2),
  0xce: (rest) => uint(rest, 4),
  0xcf: (rest) => uint(rest, 8),
  0xd0: (rest) => viewOf(take(rest, 1)).getInt8(0),
  0xd1: (rest) => viewOf(take(rest, 2)).getInt16(0),
  0xd2: (rest) => viewOf(take(rest, 4)).getInt32(0),
  0xd3: (rest) => safe(viewOf(take(rest, 8)).getBigInt64(0)),
  0xd9: (rest) => readText(rest, uint(rest, 1)),
  0xda: (rest) => readText(rest, uint(rest, 2)),
  0xdb: (rest) => readText(rest, uint(rest, 4)),
  0xdc: (rest, depth) => readList(rest, uint(rest, 2), depth),
  0xdd: (rest, depth) => readList(rest, uint(rest, 4), depth),
  0xde: (rest, depth) => readMap(rest, uint(rest, 2), depth),
  0xdf: (rest, depth) => readMap(rest, uint(rest, 4), depth),
};

function readList(rest: Rest, count: number, depth: number): unknown[] {
  const list: unknown[] = [];
  while (list.length < count) list.push(readValue(rest, depth + 1));
  return list;
}

function readMap(rest: Rest, count: number, depth: number): Record<string, unknown> {
  const map: Record<string, unknown> = {};
  for (let i = 0; i < count; i++) {
    if (++rest.items > 4096) throw new Malformed("too much");
    const tag = take(rest, 1)[0] as number;
    const isShort = tag >= 0xa0 && tag <= 0xbf;
    if (!isShort && tag !== 0xd9) throw new Malformed("a key that is no short text");
    const length = isShort ? tag - 0xa0 : uint(rest, 1);
    if (length > 64) throw new Malformed("a long key");
    const key = readText(rest, length);
    if (FORBIDDEN.includes(key) || Object.hasOwn(map, key)) {
      throw new Malformed("a key that stands twice or may not be");
    }
    map[key] = readValue(rest, depth + 1);
  }
  return map;
}

function readText(rest: Rest, bytes: number): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(take(rest, bytes));
  } catch (error) {
    if (error instanceof TypeError) throw new Malformed("no UTF-8");
    throw error;
  }
}

function uint(rest: Rest, bytes: number): number {
  return safe([...take(rest, bytes)].reduce((n, byte) => n * 256n + BigInt(byte), 0n));
}

function safe(n: bigint): number {
  const limit = BigInt(Number.MAX_SAFE_INTEGER);
  if (n > limit || n < -limit) throw new Malformed("an integer that a double cannot hold");
  return Number(n);
}

function take(rest: Rest, count: number): Uint8Array {
  if (count > rest.bytes.length) throw new Malformed("the end");
  const taken = rest.bytes.subarray(0, count);
  rest.bytes = rest.bytes.subarray(count);
  return taken;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
