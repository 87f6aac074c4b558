/**
 * Splits a JSON array, or concatenated JSON values, into the bytes of its items without loading the
 * whole file. Items are not parsed here.
 */
import { UserError } from "../base/user_error.ts";
import type { ByteStream } from "./byte_stream.ts";
import { type DocumentBytes, LONGEST } from "./records.ts";

/** Bytes peeked at first; doubled when no item ends in them. */
const VIEW = 1 << 20;

const [TAB, LINE_FEED, RETURN, SPACE] = [0x09, 0x0a, 0x0d, 0x20];
const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** Layout of the values, and the stream's place in it. */
export interface JsonReading {
  readonly kind: "array" | "values";
  readonly name: string;
  /** Whether the stream is past the start of the array or the first value. */
  readonly inside: boolean;
}

/**
 * The items from the stream's position. @throws {UserError} `data` for truncated or invalid JSON.
 */
export async function* jsonRecords(
  stream: ByteStream,
  { kind, name, inside }: JsonReading,
): AsyncGenerator<DocumentBytes> {
  let opened = inside || kind === "values";
  for (let n = VIEW;;) {
    const view = await stream.peek(n);
    const { position } = stream;
    const isLast = view.length < n;
    const bad = (at: number, need: string) =>
      new UserError("data", `Cannot read ${name}: need JSON: byte ${position + at}: need ${need}`);
    let at = 0;
    for (;;) {
      let from = blanksEnd(view, at);
      if (!opened && from < view.length) {
        if (view[from] !== OPEN_ARRAY) throw bad(from, "an array");
        opened = true;
        at = from + 1;
        continue;
      }
      if (from === view.length) {
        if (isLast && kind === "array") throw bad(from, "a ] at the end: it is cut off");
        break;
      }
      if (kind === "array" && view[from] === CLOSE_ARRAY) {
        await requireBlank(stream, { from: from + 1, bad });
        return;
      }
      const to = valueEnd(view, from);
      if (to === from) throw bad(from, "a value");
      if (to < 0 || (to === view.length && !isLast)) {
        if (isLast) throw bad(from, "a value that ends: it is cut off");
        break;
      }
      let next = blanksEnd(view, to);
      if (next === view.length && !isLast) break;
      if (kind === "array" && next < view.length) {
        if (view[next] === COMMA) next++;
        else if (view[next] !== CLOSE_ARRAY) throw bad(next, "a comma or a ]");
      }
      const bytes = view.subarray(from, to);
      yield { bytes, at: position + from, next: position + next, ended: true };
      from = next;
      at = next;
    }
    if (isLast) return;
    if (at === 0 && n >= LONGEST) {
      throw new UserError(
        "data",
        `Cannot read ${name}: need records of at most ${LONGEST} bytes: the one at byte ${position} is longer`,
      );
    }
    n = at === 0 ? 2 * n : VIEW;
    stream.take(at);
  }
}

/** @throws {UserError} if anything but white space is left. */
async function requireBlank(
  stream: ByteStream,
  { from, bad }: { from: number; bad: (at: number, need: string) => UserError },
): Promise<void> {
  const start = stream.position;
  stream.take(from);
  for (let view; (view = await stream.peek(VIEW)).length > 0; stream.take(view.length)) {
    const end = blanksEnd(view, 0);
    if (end < view.length) throw bad(stream.position - start + end, "nothing behind the array");
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === LINE_FEED || byte === RETURN || byte === TAB;
}

/** The first offset from `at` that is no white space. */
function blanksEnd(bytes: Uint8Array, at: number): number {
  while (isBlank(bytes[at])) at++;
  return at;
}

/** End of the value at `from`; -1 if it is incomplete. */
function valueEnd(bytes: Uint8Array, from: number): number {
  let depth = 0;
  for (let i = from; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (byte === QUOTE) {
      i = stringEnd(bytes, i);
      if (i < 0) return -1;
      if (depth === 0) return i + 1;
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      if (depth === 0) return i;
      if (--depth === 0) return i + 1;
    } else if (depth === 0 && (byte === COMMA || byte === COLON || isBlank(byte))) return i;
  }
  return depth === 0 ? bytes.length : -1;
}

/** Offset of the closing quote of a string; -1 if there is none. */
function stringEnd(bytes: Uint8Array, from: number): number {
  for (let i = from + 1; i < bytes.length; i++) {
    if (bytes[i] === BACKSLASH) i++;
    else if (bytes[i] === QUOTE) return i;
  }
  return -1;
}
