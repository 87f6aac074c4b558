/** Merging against the plain definition, and the table that it looks pairs up in. */
import { assertEquals } from "@std/assert";
import { rootKey, threefry } from "../../../src/base/random.ts";
import { Heap } from "../../../src/data/tokenizers/bpe/heap.ts";
import { Merges } from "../../../src/data/tokenizers/bpe/merges.ts";
import { Pairs } from "../../../src/data/tokenizers/bpe/pairs.ts";

/** Joins the leftmost pair of the lowest rank until there is none. */
function plain(symbols: readonly number[], pairs: readonly (readonly number[])[]): number[] {
  const ids = [...symbols];
  for (;;) {
    const ranks = ids.slice(1).map((right, i) =>
      pairs.findLastIndex(([a, b]) => a === ids[i] && b === right)
    );
    const found = ranks.filter((rank) => rank >= 0);
    if (found.length === 0) return ids;
    const rank = Math.min(...found);
    ids.splice(ranks.indexOf(rank), 2, pairs[rank]?.[2] as number);
  }
}

Deno.test("Merges gives what the definition gives, for random pairs and pieces", () => {
  for (let seed = 0; seed < 60; seed++) {
    const key = rootKey(seed);
    const merges = new Merges();
    const pairs: (readonly [number, number, number])[] = [];
    for (let i = 0; i < 30; i++) {
      const [a, b] = threefry(key, i, 1);
      const pair = [a % (4 + i), b % (4 + i), 4 + i] as const;
      pairs.push(pair);
      merges.add(...pair);
    }
    for (let n = 0; n < 70; n += 7) {
      const symbols = Array.from({ length: n }, (_, i) => threefry(key, n, 100 + i)[0] % 4);
      assertEquals(merges.apply(symbols), plain(symbols, pairs));
    }
  }
});

Deno.test("Pairs finds what was set, the last of two, and nothing else", () => {
  const pairs = new Pairs();
  const wanted = new Map<string, number>();
  for (let i = 0; i < 5000; i++) {
    const [a, b] = threefry(rootKey(1), i, 0);
    pairs.set(a % 97, b % 89, i);
    wanted.set(`${a % 97} ${b % 89}`, i);
  }
  for (let a = 0; a < 100; a++) {
    for (let b = 0; b < 100; b++) assertEquals(pairs.get(a, b), wanted.get(`${a} ${b}`) ?? -1);
  }
});

Deno.test("Heap gives numbers back in order, in between new ones as well", () => {
  const heap = new Heap((a, b) => a > b);
  const numbers = Array.from({ length: 500 }, (_, i) => threefry(rootKey(2), i, 0)[0] % 300);
  for (const number of numbers) heap.push(number);
  const first = [heap.pop(), heap.pop()] as number[];
  for (const number of first) heap.push(number);
  const out: number[] = [];
  for (let item = heap.pop(); item !== undefined; item = heap.pop()) out.push(item);
  assertEquals(out, numbers.toSorted((a, b) => b - a));
});
