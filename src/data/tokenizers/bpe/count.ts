/** Counts of strings in bounded memory. Knows not what the strings are. */

/** What a string costs besides its units, in the units of the bound. */
const OVERHEAD = 32;
/** Share of the bound that is kept when room is made. */
const KEPT = 0.75;

/** Counts, and what was given up to stay within the bound. */
export class PieceCounts {
  readonly #counts = new Map<string, number>();
  readonly #limit: number;
  #weight = 0;
  #dropped = 0;

  /** Keeps distinct strings of at most `limit` units in all, 32 for each taken as well. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How often strings were seen that were rare and are no longer counted. */
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

  /**
   * The strings by falling count, equal counts by code point, so that there is one order. They are
   * given away: nothing is counted here any more.
   */
  take(): [string, number][] {
    const all = [...this.#counts];
    this.#counts.clear();
    return all.sort(([a, m], [b, n]) => n - m || comparePoints(a, b));
  }

  /** Makes room: drops what was seen least often, all that was seen as often with it. */
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

/** A string of its own: a part of a long string would keep all of that in memory. */
export function copied(text: string): string {
  // V8 copies parts of up to 12 units, and refers to the whole for longer ones.
  if (text.length <= 12) return text;
  let copy = "";
  for (let i = 0; i < text.length; i += 4096) {
    const end = Math.min(text.length, i + 4096);
    copy += Array.from({ length: end - i }, (_, k) => text[i + k]).join("");
  }
  return copy;
}

/** Order by code point; `<` would compare UTF-16 units, and put U+FFFD behind U+1F40B. */
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
