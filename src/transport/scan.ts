/**
 * Validates msgpack bytes before they are decoded: plain values only, with limits on depth and
 * size, and no duplicate keys. Builds no values. Format: the msgpack specification (msgpack.org).
 */

const MAX_DEPTH = 6;
const MAX_ITEMS = 4096;
const MAX_KEY = 64;
const FORBIDDEN = new Set(["__proto__", "constructor", "prototype"]);
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

interface Cursor {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at: number;
  items: number;
}

/** The first fault of the bytes, to be printed after a colon; undefined if there is none. */
export function scanFault(bytes: Uint8Array): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const cursor: Cursor = { bytes, view, at: 0, items: 0 };
  try {
    scanValue(cursor, 1);
  } catch (error) {
    if (error instanceof ScanFault) return `${error.message} at byte ${cursor.at}`;
    throw error;
  }
  const rest = bytes.length - cursor.at;
  return rest === 0 ? undefined : `${rest} bytes after the end`;
}

class ScanFault extends Error {}

function scanValue(cursor: Cursor, depth: number): void {
  if (depth > MAX_DEPTH) throw new ScanFault(`more than ${MAX_DEPTH} levels`);
  if (++cursor.items > MAX_ITEMS) throw new ScanFault(`more than ${MAX_ITEMS} items`);
  const tag = byteAt(cursor);
  if (tag < 0x80 || tag >= 0xe0) return; // fixint
  if (tag < 0x90) return scanMap(cursor, tag & 15, depth);
  if (tag < 0xa0) return scanArray(cursor, tag & 15, depth);
  if (tag < 0xc0) return scanString(cursor, tag & 31);
  switch (tag) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      return;
    case 0xc4: // bin
    case 0xc5:
    case 0xc6:
      skip(cursor, length(cursor, 1 << (tag - 0xc4)));
      return;
    case 0xca: // f32
    case 0xcb: // f64
      skip(cursor, tag === 0xca ? 4 : 8);
      return;
    case 0xcc: // u8, u16, u32
    case 0xcd:
    case 0xce:
      skip(cursor, 1 << (tag - 0xcc));
      return;
    case 0xd0: // i8, i16, i32
    case 0xd1:
    case 0xd2:
      skip(cursor, 1 << (tag - 0xd0));
      return;
    case 0xcf: // u64
      return checkWide(cursor.view.getBigUint64(skip(cursor, 8)));
    case 0xd3: // i64
      return checkWide(cursor.view.getBigInt64(skip(cursor, 8)));
    case 0xd9: // str
    case 0xda:
    case 0xdb:
      return scanString(cursor, length(cursor, 1 << (tag - 0xd9)));
    case 0xdc: // array
    case 0xdd:
      return scanArray(cursor, length(cursor, tag === 0xdc ? 2 : 4), depth);
    case 0xde: // map
    case 0xdf:
      return scanMap(cursor, length(cursor, tag === 0xde ? 2 : 4), depth);
  }
  throw new ScanFault(`tag 0x${tag.toString(16)} is not a plain value`);
}

function scanArray(cursor: Cursor, count: number, depth: number): void {
  for (let i = 0; i < count; i++) scanValue(cursor, depth + 1);
}

function scanMap(cursor: Cursor, count: number, depth: number): void {
  const keys = new Set<string>();
  for (let i = 0; i < count; i++) {
    const key = scanKey(cursor);
    if (FORBIDDEN.has(key)) throw new ScanFault(`key "${key}" is not allowed`);
    if (keys.has(key)) throw new ScanFault(`key ${JSON.stringify(key)} stands twice`);
    keys.add(key);
    scanValue(cursor, depth + 1);
  }
}

function scanKey(cursor: Cursor): string {
  if (++cursor.items > MAX_ITEMS) throw new ScanFault(`more than ${MAX_ITEMS} items`);
  const tag = byteAt(cursor);
  const isShort = tag >= 0xa0 && tag < 0xc0;
  if (!isShort && tag !== 0xd9) throw new ScanFault("a key is not a short string");
  const bytes = isShort ? tag & 31 : length(cursor, 1);
  if (bytes > MAX_KEY) throw new ScanFault(`a key is longer than ${MAX_KEY} bytes`);
  return text(cursor, bytes);
}

function scanString(cursor: Cursor, bytes: number): void {
  text(cursor, bytes);
}

function text(cursor: Cursor, bytes: number): string {
  const at = skip(cursor, bytes);
  try {
    return UTF8.decode(cursor.bytes.subarray(at, at + bytes));
  } catch {
    throw new ScanFault("a string is not UTF-8");
  }
}

function checkWide(value: bigint): void {
  if (!Number.isSafeInteger(Number(value))) throw new ScanFault(`integer ${value} is not safe`);
}

function byteAt(cursor: Cursor): number {
  return cursor.view.getUint8(skip(cursor, 1));
}

function length(cursor: Cursor, width: number): number {
  const at = skip(cursor, width);
  if (width === 1) return cursor.view.getUint8(at);
  return width === 2 ? cursor.view.getUint16(at) : cursor.view.getUint32(at);
}

/** Advances over `count` bytes, which must exist; returns their start. */
function skip(cursor: Cursor, count: number): number {
  const at = cursor.at;
  if (count > cursor.bytes.length - at) throw new ScanFault("the bytes end too early");
  cursor.at = at + count;
  return at;
}
