/** The documents of a file that holds many: one per line, or apart by a text. Bytes, not yet text. */
import { UserError } from "../base/user_error.ts";
import type { ByteStream } from "./byte_stream.ts";

/** Bytes that are looked at first; twice as many where no document ends in them. */
const VIEW = 1 << 20;
/** Bytes in which a document must end, or find a place to be cut: it is held in memory. */
export const LONGEST = 64 * 2 ** 20;

/** What stands between two ends. */
export interface DocumentBytes {
  /** They stand until the next is asked for. */
  readonly bytes: Uint8Array;
  /** Place of the first byte in the file. */
  readonly at: number;
  /** Place behind the end of the document. */
  readonly next: number;
  /** Whether an end stands behind it, not just the end of the file. */
  readonly ended: boolean;
}

/** Whatever stands before each `end`, and behind the last. @throws {UserError} `data` */
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
    // A long document may end just behind what was looked at.
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
