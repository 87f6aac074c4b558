/** Random numbers: known answers, and the statistics that data order and dropout rest on. */
import { assert, assertEquals, assertLess } from "@std/assert";
import {
  fold,
  foldName,
  type Key,
  normals,
  rootKey,
  threefry,
  uniforms,
  unit,
} from "../../src/base/random.ts";

/** Five standard deviations: a correct generator fails once in a million. */
const SIGMAS = 5;

function mean(x: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] as number;
  return sum / x.length;
}

/** Mean of the k-th powers of x. */
function moment(x: ArrayLike<number>, k: number): number {
  return mean(Array.from(x, (v) => v ** k));
}

/** Correlation of two sequences that are uniform in [0, 1). */
function correlation(x: ArrayLike<number>, y: ArrayLike<number>): number {
  return 12 * mean(Array.from(x, (v, i) => (v - 0.5) * ((y[i] as number) - 0.5)));
}

Deno.test("threefry() gives the known answers of Random123 for 13 rounds", () => {
  const ones = 0xffff_ffff;
  const answers: readonly [Key, Key, Key][] = [
    [[0, 0], [0, 0], [0x9d1c5ec6, 0x8bd50731]],
    [[ones, ones], [ones, ones], [0xfd36d048, 0x2d17272c]],
    [[0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3], [0xba3e4725, 0xf27d669e]],
  ];
  for (const [key, [c0, c1], words] of answers) assertEquals(threefry(key, c0, c1), words);
});

Deno.test("keys of seeds, numbers and names keep their values from release to release", () => {
  const root = rootKey(1337);
  assertEquals(root, [0xbce52fe4, 0x4029d5b3]);
  assertEquals(rootKey(2 ** 40 + 3), [0xb6e3659d, 0xe79ade34]);
  assertEquals(fold(root, 5), [0x11605d83, 0x20f9933f]);
  assertEquals(foldName(root, "init"), [0x7d42a24e, 0xde4bd519]);
  assertEquals(
    normals(rootKey(1), 3),
    Float32Array.of(-1.8474122285842896, 0.1333276480436325, 0.058664217591285706),
  );
  assertEquals(
    uniforms(rootKey(1), 2, [-1, 1]),
    Float32Array.of(0.4083002805709839, -0.8566105365753174),
  );
});

Deno.test("keys differ by seed, number, name and order of folding", () => {
  const root = rootKey(0);
  const keys = [
    ...[0, 1, -1, 2 ** 32, 2 ** 53 - 1].map(rootKey),
    ...[0, 1, 2].map((n) => fold(root, n)),
    fold(fold(root, 1), 2),
    fold(fold(root, 2), 1),
    ...["a", "b", "ab", "ba", "a\0"].map((name) => foldName(root, name)),
  ];
  assertEquals(new Set(keys.map((k) => k.join())).size, keys.length);
});

Deno.test("unit() stays in [0, 1) and keeps 24 bits", () => {
  assertEquals([0, 255, 256, 0xffff_ffff].map(unit), [0, 0, 2 ** -24, 1 - 2 ** -24]);
});

Deno.test("both words are uniform over counters: mean, variance and every bit", () => {
  const n = 1 << 14;
  for (const word of [0, 1] as const) {
    const words = Array.from({ length: n }, (_, i) => threefry(rootKey(3), i, 9)[word]);
    const u = words.map((w) => w / 2 ** 32);
    assertLess(Math.abs(mean(u) - 1 / 2), SIGMAS * Math.sqrt(1 / 12 / n));
    // The variance of (u - 1/2)^2 is 1/80 - 1/144 = 1/180.
    const variance = mean(u.map((v) => (v - 0.5) ** 2));
    assertLess(Math.abs(variance - 1 / 12), SIGMAS * Math.sqrt(1 / 180 / n));
    for (let bit = 0; bit < 32; bit++) {
      const ones = mean(words.map((w) => (w >>> bit) & 1));
      assertLess(Math.abs(ones - 0.5), SIGMAS * 0.5 / Math.sqrt(n), `bit ${bit}`);
    }
  }
});

Deno.test("neighbouring counters, keys, sites and words are independent", () => {
  const n = 1 << 14;
  const draw = (key: Key, site = 0, word: 0 | 1 = 0) =>
    Array.from({ length: n }, (_, i) => threefry(key, i, site)[word] / 2 ** 32);
  const root = rootKey(4);
  const base = draw(root);
  const others: Readonly<Record<string, number[]>> = {
    "the next counter": [...base.slice(1), base[0] as number],
    "the second word": draw(root, 0, 1),
    "the next site": draw(root, 1),
    "the next seed": draw(rootKey(5)),
    "a folded key": draw(fold(root, 0)),
    "a key of one bit more": draw([root[0] ^ 1, root[1]]),
  };
  for (const [name, other] of Object.entries(others)) {
    assertLess(Math.abs(correlation(base, other)), SIGMAS / Math.sqrt(n), name);
  }
});

Deno.test("normals() have the moments of the standard normal distribution", () => {
  const n = 1 << 15;
  const z = normals(rootKey(6), n);
  // Variances of z, z^2, z^3 and z^4 are 1, 2, 15 and 96.
  const moments = [[1, 0, 1], [2, 1, 2], [3, 0, 15], [4, 3, 96]] as const;
  for (const [k, expected, variance] of moments) {
    assertLess(Math.abs(moment(z, k) - expected), SIGMAS * Math.sqrt(variance / n), `moment ${k}`);
  }
  const pairs = mean(
    Array.from({ length: n / 2 }, (_, i) => z.slice(2 * i, 2 * i + 2))
      .map(([a, b]) => (a as number) * (b as number)),
  );
  assertLess(Math.abs(pairs), SIGMAS / Math.sqrt(n / 2), "the two of a pair");
});

Deno.test("element i of normals() and uniforms() does not depend on the length", () => {
  for (const n of [0, 1, 2, 7]) {
    assertEquals(normals(rootKey(7), n), normals(rootKey(7), 9).slice(0, n));
    assertEquals(uniforms(rootKey(7), n, [2, 3]), uniforms(rootKey(7), 9, [2, 3]).slice(0, n));
  }
  assert(uniforms(rootKey(8), 1000, [2, 3]).every((x) => x >= 2 && x < 3));
});
