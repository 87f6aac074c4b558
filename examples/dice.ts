/** Deterministic random draws for synthetic data, from a seed and a name. */
import { foldName, type Key, rootKey, threefry } from "../src/base/random.ts";

/** A stream of draws. */
export class Dice {
  readonly #key: Key;
  #drawn = 0;

  /** A stream that depends only on seed and name. */
  constructor(seed: number, name: string) {
    this.#key = foldName(rootKey(seed), name);
  }

  /** An integer in [0, n), n at least 1 and far below 2^32. */
  below(n: number): number {
    return threefry(this.#key, this.#drawn++, 0)[0] % n;
  }

  /** An element of a non-empty list. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** A shuffled copy (Fisher and Yates). */
  shuffled<T>(list: readonly T[]): T[] {
    const out = [...list];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [out[i], out[j]] = [out[j] as T, out[i] as T];
    }
    return out;
  }
}
