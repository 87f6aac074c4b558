/** Packing of random lifetimes into buffers. */
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { threefry } from "../../src/base/random.ts";
import { type Lifetime, pack } from "../../src/plan/memory.ts";

/** Lifetimes in 30 calls, with repeated sizes; some of one call only. */
function randomLives(seed: number): Lifetime[] {
  const draw = (i: number, site: number, below: number) => threefry([seed, 77], i, site)[0] % below;
  return Array.from({ length: 5 + seed % 60 }, (_, i) => {
    const from = draw(i, 0, 30);
    return { size: 2 ** draw(i, 1, 6) + draw(i, 2, 3), from, to: from + draw(i, 3, 8) };
  });
}

const meet = (a: Lifetime, b: Lifetime) => a.from <= b.to && b.from <= a.to;
const total = (sizes: readonly number[]) => sizes.reduce((a, b) => a + b, 0);

Deno.test("overlapping lifetimes never share a buffer, and each fits into its buffer", () => {
  for (let seed = 0; seed < 200; seed++) {
    const lives = randomLives(seed);
    const { slotOf, sizes } = pack(lives);
    assertEquals(slotOf.length, lives.length);
    lives.forEach((life, i) => {
      const slot = slotOf[i] as number;
      assertLessOrEqual(life.size, sizes[slot] ?? -1);
      for (let j = 0; j < i; j++) {
        const apart = slotOf[j] !== slot || !meet(life, lives[j] as Lifetime);
        assert(apart, `seed ${seed}: lives ${j} and ${i} share buffer ${slot}`);
      }
    });
  }
});

Deno.test("the pool is between peak live bytes and no sharing, and every buffer is used", () => {
  for (let seed = 0; seed < 200; seed++) {
    const lives = randomLives(seed);
    const { slotOf, sizes } = pack(lives);
    const moments = Array.from(
      { length: 40 },
      (_, t) => total(lives.filter(({ from, to }) => from <= t && t <= to).map(({ size }) => size)),
    );
    const bytes = total(sizes);
    assertLessOrEqual(Math.max(...moments), bytes);
    assertLessOrEqual(bytes, total(lives.map(({ size }) => size)));
    sizes.forEach((size, s) => {
      const largest = Math.max(...lives.filter((_, i) => slotOf[i] === s).map((l) => l.size));
      assertEquals(size, largest);
    });
  }
});

Deno.test("packing is deterministic", () => {
  assertEquals(pack(randomLives(33)), pack(randomLives(33)));
});

Deno.test("a lifetime that ends in the call where another starts does not share with it", () => {
  const one = { size: 4, from: 0, to: 1 };
  assertEquals(pack([one, { size: 4, from: 1, to: 2 }]).sizes, [4, 4]);
  assertEquals(pack([one, { size: 4, from: 2, to: 3 }]).sizes, [4]);
  assertEquals(pack([]), { slotOf: [], sizes: [] });
});
