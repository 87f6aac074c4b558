/**
 * Applies BPE merges to one pre-token: repeatedly merges the adjacent pair of the lowest rank.
 * Source: Sennrich, Haddow, Birch, "Neural Machine Translation of Rare Words with Subword Units"
 * (ACL 2016).
 */
import { Heap } from "./heap.ts";
import { Pairs } from "./pairs.ts";

/** Base for packing (rank, position) into one number: bound of the pre-token length. */
const PLACES = 2 ** 28;

/** Merges in order of rank. */
export class Merges {
  readonly #ranks = new Pairs();
  readonly #joined: number[] = [];
  // Scratch: a linked list of tokens by position.
  #ids = new Int32Array(64);
  #next = new Int32Array(64);
  #before = new Int32Array(64);
  readonly #due = new Heap((a, b) => a < b);

  /** Adds the merge of the next rank, and its token. */
  add(left: number, right: number, joined: number): void {
    // A duplicate pair takes the later rank, as in Hugging Face tokenizers.
    this.#ranks.set(left, right, this.#joined.length);
    this.#joined.push(joined);
  }

  /** Encodes a pre-token given as byte tokens. O(n log n). */
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
      // The entry is stale if one of its tokens was merged since.
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

  /** Queues the merge of the tokens at `at` and after it, if there is one. */
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

/** Marks a token that was merged into the one before it. */
const GONE = -1;
