/**
 * Byte pair encoding of one piece: of all neighbours the pair that was learnt first is joined,
 * again and again. Source: Sennrich, Haddow, Birch, "Neural Machine Translation of Rare Words with
 * Subword Units" (ACL 2016). It knows ids, no text.
 */
import { Heap } from "./heap.ts";
import { Pairs } from "./pairs.ts";

/** Rank and place as one number: longest piece that fits, in symbols. */
const PLACES = 2 ** 28;

/** Pairs that are joined, in order of rank. */
export class Merges {
  readonly #ranks = new Pairs();
  readonly #joined: number[] = [];
  // Scratch: tokens by place, and the places behind and before each.
  #ids = new Int32Array(64);
  #next = new Int32Array(64);
  #before = new Int32Array(64);
  readonly #due = new Heap((a, b) => a < b);

  /** Adds the pair of the next rank, and the token that it becomes. */
  add(left: number, right: number, joined: number): void {
    // Who has a pair twice means the later one; that is what the other readers of such lists do.
    this.#ranks.set(left, right, this.#joined.length);
    this.#joined.push(joined);
  }

  /** Tokens of a piece that is given as the tokens of its bytes. O(n log n). */
  apply(symbols: ArrayLike<number>): number[] {
    const n = symbols.length;
    if (n >= PLACES) throw new RangeError(`Cannot encode: need pieces below ${PLACES} bytes: ${n}`);
    if (n > this.#ids.length) this.#grow(n);
    const [ids, next, before] = [this.#ids, this.#next, this.#before];
    for (let i = 0; i < n; i++) {
      ids[i] = symbols[i] as number;
      next[i] = i + 1;
      before[i] = i - 1;
    }
    for (let i = 0; i + 1 < n; i++) this.#offer(i, n);
    for (let item = this.#due.pop(); item !== undefined; item = this.#due.pop()) {
      const at = item % PLACES;
      const after = next[at] as number;
      const rank = Math.floor(item / PLACES);
      // What stood there when it was offered may have been joined with others since.
      if (ids[at] === GONE || after >= n) continue;
      if (this.#ranks.get(ids[at] as number, ids[after] as number) !== rank) continue;
      ids[at] = this.#joined[rank] as number;
      ids[after] = GONE;
      const behind = next[after] as number;
      next[at] = behind;
      if (behind < n) before[behind] = at;
      this.#offer(before[at] as number, n);
      this.#offer(at, n);
    }
    const out: number[] = [];
    for (let i = 0; i < n; i = next[i] as number) out.push(ids[i] as number);
    return out;
  }

  /** Remembers to join the token at a place with the one behind it, if they are a pair. */
  #offer(at: number, n: number): void {
    const after = at < 0 ? n : this.#next[at] as number;
    if (after >= n) return;
    const rank = this.#ranks.get(this.#ids[at] as number, this.#ids[after] as number);
    if (rank >= 0) this.#due.push(rank * PLACES + at);
  }

  #grow(n: number): void {
    this.#ids = new Int32Array(2 * n);
    this.#next = new Int32Array(2 * n);
    this.#before = new Int32Array(2 * n);
  }
}

/** In place of a token that was joined to the one before it. */
const GONE = -1;
