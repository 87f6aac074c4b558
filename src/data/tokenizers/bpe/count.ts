/** Approximate counts of strings in bounded memory. */

/** Memory per string besides its UTF-16 units, in units. */
const OVERHEAD = 32;
/** Fraction of the bound to keep when evicting. */
const KEPT = 0.75;

/** Counts strings; evicts the rarest to stay within the bound. */
export class PieceCounts {
  readonly #counts = new Map<string, number>();
  readonly #limit: number;
  #weight = 0;
  #dropped = 0;

  /** `limit`: total UTF-16 units of distinct strings, plus 32 per string. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Sum of the counts of evicted strings. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Counts a string once more. */
  add(text: string): void {
    const count = this.#counts.get(text);
    if (count !== undefined) {
      this.#counts.set(text, count + 1);
      return;
    }
    this.#counts.set(copied(text), 1);
    this.#weight += text.length + OVERHEAD;
    if (this.#weight > this.#limit) this.#dropRarest();
  }

  /** The strings by descending count, ties by code point. Empties the counter. */
  take(): [string, number][] {
    const all = [...this.#counts];
    this.#counts.clear();
    return all.sort(([a, m], [b, n]) => n - m || comparePoints(a, b));
  }

  /** Evicts the rarest strings, all of equal count together. */
  #dropRarest(): void {
    for (let most = 1; this.#weight > KEPT * this.#limit; most++) {
      for (const [text, count] of this.#counts) {
        if (count > most) continue;
        this.#counts.delete(text);
        this.#weight -= text.length + OVERHEAD;
        this.#dropped += count;
      }
    }
  }
}

/** Copies a string, because a slice would keep its long parent in memory. */
export function copied(text: string): string {
  // V8 copies slices of up to 12 units; longer ones refer to their parent.
  if (text.length <= 12) return text;
  let copy = "";
  for (let i = 0; i < text.length; i += 4096) {
    const end = Math.min(text.length, i + 4096);
    copy += Array.from({ length: end - i }, (_, k) => text[i + k]).join("");
  }
  return copy;
}

/** Order by code point; `<` would compare UTF-16 units, and sort U+FFFD after U+1F40B. */
function comparePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x === y) continue;
    const [high, low] = [(x & 0xf800) === 0xd800, (y & 0xf800) === 0xd800];
    return high === low ? x - y : high ? 1 : -1;
  }
  return a.length - b.length;
}
