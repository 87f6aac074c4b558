/** Long computations in chunks that yield to the event loop. */
import { setImmediate } from "node:timers/promises";

/** Largest chunk in bytes: about 3 ms of hashing. */
export const CHUNK = 4 * 2 ** 20;

/** The bytes in order, as views of at most `CHUNK` bytes. */
export function* chunksOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += CHUNK) yield bytes.subarray(i, i + CHUNK);
}

/** A computation that yields the bytes processed since the last yield, and returns its result. */
export type ChunkWork<T> = Generator<number, T, void>;

/** Runs a computation synchronously. */
export function runToEnd<T>(work: ChunkWork<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/**
 * Runs a computation, yielding to the event loop. Its inputs must not change before it resolves.
 */
export async function runYielding<T>(work: ChunkWork<T>): Promise<T> {
  let since = 0;
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    since += value;
    if (since < CHUNK) continue;
    since = 0;
    // A resolved promise is not enough: timers and sockets run only in the next loop iteration.
    await setImmediate();
  }
}
