/**
 * Learns BPE merges: repeatedly merges the most frequent pair; ties go to the lowest ids. Source:
 * Sennrich, Haddow, Birch, "Neural Machine Translation of Rare Words with Subword Units" (ACL
 * 2016); counts are updated incrementally.
 */
import { Heap } from "./heap.ts";
import { Pairs } from "./pairs.ts";

/** Minimum frequency of a merged pair. */
const LEAST = 2;

/** A pre-token as ids, and its count. */
export type LearnedPiece = readonly [symbols: ArrayLike<number>, count: number];

/** Returns the token of a merged pair: a new id, or an existing one of the same bytes. */
export type Join = (left: number, right: number) => number;

/** Merges pairs in `pieces` until `enough()` or until no pair occurs twice. */
export function learnPairs(
  pieces: Iterable<LearnedPiece>,
  { join, enough }: { readonly join: Join; readonly enough: () => boolean },
): void {
  const table = new PairTable(pieces);
  while (!enough()) {
    const pair = table.takeFirst();
    if (pair === undefined) return;
    const [left, right] = pair;
    table.replace(pair, join(left, right));
  }
}

/** All pre-tokens, and count and occurrences of each pair. */
class PairTable {
  // Pre-tokens are stored consecutively; they only shrink.
  readonly #symbols: Int32Array;
  readonly #starts: number[] = [];
  readonly #lengths: number[] = [];
  readonly #times: number[] = [];
  // Indexed by pair number.
  readonly #numbers = new Pairs();
  readonly #left: number[] = [];
  readonly #right: number[] = [];
  readonly #counts: number[] = [];
  /** Pre-tokens that contain the pair, or did before. */
  readonly #places: number[][] = [];
  // Heap entries: a pair and its count when pushed.
  readonly #entryPair: number[] = [];
  readonly #entryCount: number[] = [];
  readonly #due = new Heap((a, b) => this.#isBefore(a, b));

  constructor(pieces: Iterable<LearnedPiece>) {
    let all = new Int32Array(1024);
    let start = 0;
    for (const [symbols, times] of pieces) {
      if (start + symbols.length > all.length) all = longer(all, start + symbols.length);
      all.set(symbols, start);
      const i = this.#starts.push(start) - 1;
      this.#lengths.push(symbols.length);
      this.#times.push(times);
      start += symbols.length;
      for (let k = 0; k + 1 < symbols.length; k++) {
        this.#change(symbols[k] as number, symbols[k + 1] as number, times);
        this.#see(symbols[k] as number, symbols[k + 1] as number, i);
      }
    }
    this.#symbols = all;
    for (let pair = 0; pair < this.#counts.length; pair++) this.#offer(pair);
  }

  /** Pops the most frequent pair; undefined when none reaches the minimum frequency. */
  takeFirst(): readonly [number, number] | undefined {
    for (let entry = this.#due.pop(); entry !== undefined; entry = this.#due.pop()) {
      const pair = this.#entryPair[entry] as number;
      if (this.#entryCount[entry] === this.#counts[pair]) {
        return [this.#left[pair] as number, this.#right[pair] as number];
      }
      // The count decreased since: push it again.
      this.#offer(pair);
    }
    return undefined;
  }

  /** Replaces a pair by its merged token in all pre-tokens. */
  replace([left, right]: readonly [number, number], joined: number): void {
    const pair = this.#numbers.get(left, right);
    const places = this.#places[pair] as number[];
    this.#places[pair] = [];
    const before = this.#counts.length;
    const again = new Set<number>();
    for (const piece of places) this.#replaceIn(piece, [left, right, joined], again);
    this.#counts[pair] = 0;
    for (let i = before; i < this.#counts.length; i++) again.add(i);
    for (const number of again) this.#offer(number);
  }

  #replaceIn(
    piece: number,
    [left, right, joined]: readonly [number, number, number],
    again: Set<number>,
  ): void {
    const symbols = this.#symbols;
    const start = this.#starts[piece] as number;
    const end = start + (this.#lengths[piece] as number);
    const times = this.#times[piece] as number;
    let to = start;
    for (let from = start; from < end; from++) {
      const symbol = symbols[from] as number;
      if (symbol !== left || from + 1 >= end || symbols[from + 1] !== right) {
        symbols[to++] = symbol;
        continue;
      }
      if (to > start) {
        const previous = symbols[to - 1] as number;
        this.#change(previous, left, -times);
        again.add(this.#change(previous, joined, times));
        this.#see(previous, joined, piece);
      }
      if (from + 2 < end) {
        const next = symbols[from + 2] as number;
        this.#change(right, next, -times);
        again.add(this.#change(joined, next, times));
        this.#see(joined, next, piece);
      }
      symbols[to++] = joined;
      from++;
    }
    this.#lengths[piece] = to - start;
  }

  /** Adds `by` to a pair's count; returns the pair's number. */
  #change(left: number, right: number, by: number): number {
    let pair = this.#numbers.get(left, right);
    if (pair < 0) {
      pair = this.#counts.length;
      this.#numbers.set(left, right, pair);
      this.#left.push(left);
      this.#right.push(right);
      this.#counts.push(0);
      this.#places.push([]);
    }
    this.#counts[pair] = (this.#counts[pair] as number) + by;
    return pair;
  }

  /** Records that a pre-token contains a pair. */
  #see(left: number, right: number, piece: number): void {
    const places = this.#places[this.#numbers.get(left, right)] as number[];
    if (places.at(-1) !== piece) places.push(piece);
  }

  #offer(pair: number): void {
    if ((this.#counts[pair] as number) < LEAST) return;
    this.#entryPair.push(pair);
    this.#entryCount.push(this.#counts[pair] as number);
    this.#due.push(this.#entryPair.length - 1);
  }

  #isBefore(a: number, b: number): boolean {
    const [m, n] = [this.#entryCount[a] as number, this.#entryCount[b] as number];
    if (m !== n) return m > n;
    const [x, y] = [this.#entryPair[a] as number, this.#entryPair[b] as number];
    const [p, q] = [this.#left[x] as number, this.#left[y] as number];
    return p !== q ? p < q : (this.#right[x] as number) < (this.#right[y] as number);
  }
}

/** A copy with capacity for 2 * `length`. */
function longer(numbers: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const more = new Int32Array(2 * length);
  more.set(numbers);
  return more;
}
