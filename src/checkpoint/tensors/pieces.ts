/** Large work in pieces, so that other work gets its turn between two of them. */
import { setImmediate } from "node:timers/promises";

/** Largest piece in bytes: about 3 ms of hashing. */
export const CHUNK = 4 * 2 ** 20;

/** The bytes in order, in views of at most `PIECE` bytes. */
export function* chunksOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += CHUNK) yield bytes.subarray(i, i + CHUNK);
}

/** Work that yields how many bytes it has just done, and returns what came of it. */
export type ChunkWork<T> = Generator<number, T, void>;

/** Does all of it at once. */
export function atOnce<T>(work: ChunkWork<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** Does it piece by piece. What it reads must not change before it is done. */
export async function inTurns<T>(work: ChunkWork<T>): Promise<T> {
  let since = 0;
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    since += value;
    if (since < CHUNK) continue;
    since = 0;
    // Not a promise alone: timers and sockets wait for the whole event loop.
    await setImmediate();
  }
}
