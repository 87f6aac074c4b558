/** Large work in pieces, so that other work gets its turn between two of them. */
import { setImmediate } from "node:timers/promises";

/** Largest piece in bytes: about 3 ms of hashing. */
export const PIECE = 4 * 2 ** 20;

/** The bytes in order, in views of at most `PIECE` bytes. */
export function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += PIECE) yield bytes.subarray(i, i + PIECE);
}

/** Work that yields how many bytes it has just done, and returns what came of it. */
export type Work<T> = Generator<number, T, void>;

/** Does all of it at once. */
export function atOnce<T>(work: Work<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** Does it piece by piece. What it reads must not change before it is done. */
export async function inTurns<T>(work: Work<T>): Promise<T> {
  let since = 0;
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    since += value;
    if (since < PIECE) continue;
    since = 0;
    // Not a promise alone: timers and sockets wait for the whole event loop.
    await setImmediate();
  }
}
