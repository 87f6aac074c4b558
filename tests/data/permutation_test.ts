/** The permutation is a bijection, depends on its key, and favours no place. */
import { assertEquals, assertLess, assertNotEquals, assertThrows } from "@std/assert";
import { fold, rootKey } from "../../src/base/random.ts";
import { permute } from "../../src/data/permutation.ts";

const KEY = rootKey(7);
const order = (key = KEY, n = 0) => Array.from({ length: n }, (_, i) => permute(key, n, i));

Deno.test("permute() is a bijection for every small size", () => {
  for (let n = 1; n <= 300; n++) {
    const seen = new Set(order(KEY, n));
    assertEquals(seen.size, n);
    assertEquals(Math.max(...seen), n - 1);
  }
});

Deno.test("permute() is a bijection around powers of four", () => {
  for (const n of [1023, 1024, 1025, 4095, 4096, 4097, 20_000]) {
    const hit = new Uint8Array(n);
    for (const image of order(KEY, n)) hit[image] = 1;
    assertEquals(hit.indexOf(0), -1, `n = ${n}`);
  }
});

Deno.test("permute() stays inside sizes that no list could hold, without collisions", () => {
  for (const n of [2 ** 32 - 1, 2 ** 32 + 1, 2 ** 40 + 12345, 2 ** 52]) {
    const images = new Set<number>();
    for (let i = 0; i < 200; i++) {
      images.add(permute(KEY, n, i));
      images.add(permute(KEY, n, n - 1 - i));
    }
    assertEquals(images.size, 400);
    for (const image of images) {
      assertEquals(Number.isInteger(image) && image >= 0 && image < n, true, `${image} of ${n}`);
    }
  }
});

Deno.test("permute() differs between keys and is the same for one key", () => {
  assertEquals(order(KEY, 100), order(KEY, 100));
  assertNotEquals(order(KEY, 100), order(rootKey(8), 100));
  assertNotEquals(order(KEY, 100), Array.from({ length: 100 }, (_, i) => i));
});

Deno.test("permute() sends each index to each place equally often over many keys", () => {
  const trials = 3000;
  for (const n of [2, 3, 5, 17]) {
    const counts = new Uint32Array(n * n);
    for (let t = 0; t < trials; t++) {
      order(fold(KEY, t), n).forEach((image, i) => {
        counts[i * n + image] = (counts[i * n + image] ?? 0) + 1;
      });
    }
    const mean = trials / n;
    // Five standard deviations of a binomial count: the keys are fixed, so this cannot flake.
    const bound = 5 * Math.sqrt(mean * (1 - 1 / n));
    for (const count of counts) assertLess(Math.abs(count - mean), bound, `n = ${n}`);
  }
});

Deno.test("permute() reaches every order of four", () => {
  const orders = new Set<string>();
  for (let t = 0; t < 1000; t++) orders.add(order(fold(KEY, t), 4).join());
  assertEquals(orders.size, 24);
});

Deno.test("permute() refuses sizes and indices outside its range", () => {
  for (const n of [0, -1, 1.5, NaN, 2 ** 53]) {
    assertThrows(() => permute(KEY, n, 0), RangeError, "need a size");
  }
  for (const i of [-1, 10, 0.5, NaN]) {
    assertThrows(() => permute(KEY, 10, i), RangeError, "need an index in [0, 10)");
  }
});
