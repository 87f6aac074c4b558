/**
 * What every peer trains: the sizes of the language model and the batches of its steps. It knows no
 * library.
 */
import { mobyDick } from "../../src/data/moby_dick.ts";

/** V vocabulary, D width of embedding and state, L layers, T time, B windows of a step. */
export const V = 86;
export const D = 128;
export const L = 2;
export const T = 64;
export const B = 16;

/** Steps before the clock starts, and steps that are timed. */
export const WARM_UP = 2;
export const MEASURED = 5;

/** Learning rate of Adam. */
export const RATE = 1e-2;

/** Inputs and targets of a step, token ids by time first: element t * B + b. */
export interface Batch {
  readonly inputs: Int32Array;
  readonly targets: Int32Array;
}

/** Token ids of Moby Dick: characters by frequency; the few rarest share the last id. */
export async function textIds(): Promise<Int32Array> {
  const characters = Array.from(await mobyDick());
  const counts = new Map<string, number>();
  for (const c of characters) counts.set(c, (counts.get(c) ?? 0) + 1);
  const byCount = [...counts].sort(([, a], [, b]) => b - a);
  const ids = new Map(byCount.map(([c], id) => [c, Math.min(id, V - 1)]));
  return Int32Array.from(characters, (c) => ids.get(c) ?? V - 1);
}

/** The windows of a step: B stretches of T tokens that follow each other in the text. */
export function batchOf(ids: Int32Array, step: number): Batch {
  const from = (shift: number) =>
    Int32Array.from({ length: T * B }, (_, k) => {
      const [t, b] = [Math.floor(k / B), k % B];
      return ids[(step * B + b) * T + t + shift] ?? 0;
    });
  return { inputs: from(0), targets: from(1) };
}
