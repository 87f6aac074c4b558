/** Splits a file into the bytes of its documents, by lines or by a separator. */
import { UserError } from "../base/user_error.ts";
import type { ByteStream } from "./byte_stream.ts";

/** Bytes peeked at first; doubled when no document ends in them. */
const VIEW = 1 << 20;
/** Maximum bytes of a document or of text without a split point: they are held in memory. */
export const LONGEST = 64 * 2 ** 20;

/** The bytes of a document. */
export interface DocumentBytes {
  /** Valid until the next document is requested. */
  readonly bytes: Uint8Array;
  /** Offset of the first byte in the file. */
  readonly at: number;
  /** Offset after the document and its separator. */
  readonly next: number;
  /** Whether a separator follows, not just the end of the file. */
  readonly ended: boolean;
}

/**
 * The documents before each `end` and after the last. @throws {UserError} `data` for one that is
 * too long.
 */
export async function* records(
  stream: ByteStream,
  { end, name }: { end: Uint8Array; name: string },
): AsyncGenerator<DocumentBytes> {
  for (let n = VIEW;;) {
    const view = await stream.peek(n);
    const { position } = stream;
    let at = 0;
    for (let to; (to = indexOf(view, end, at)) >= 0; at = to + end.length) {
      const next = position + to + end.length;
      yield { bytes: view.subarray(at, to), at: position + at, next, ended: true };
    }
    if (view.length < n) {
      if (at < view.length) {
        const next = position + view.length;
        yield { bytes: view.subarray(at), at: position + at, next, ended: false };
      }
      return;
    }
    if (at === 0 && n >= LONGEST) {
      throw new UserError(
        "data",
        `Cannot read ${name}: need documents of at most ${LONGEST} bytes: the one at byte ${position} is longer`,
      );
    }
    // A long document may end just past the peeked bytes.
    n = at === 0 ? 2 * n : VIEW;
    stream.take(at);
  }
}

function indexOf(bytes: Uint8Array, sought: Uint8Array, from: number): number {
  const first = sought[0] as number;
  for (let at = from; (at = bytes.indexOf(first, at)) >= 0; at++) {
    if (at + sought.length > bytes.length) return -1;
    if (sought.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}
