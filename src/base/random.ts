/**
 * Counter-based random numbers: Threefry-2x32 with 13 rounds. Source: Salmon, Moraes, Dror, Shaw,
 * "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011), section 3.2 and table 2 (13 rounds are
 * Crush-resistant). src/graph/wgsl.ts has the same function in WGSL; tests compare them.
 */

/** A key of two u32 words. Keys are derived with {@linkcode fold}, never advanced. */
export type Key = readonly [number, number];

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;
const PARITY = 0x1BD11BDA;
const ROUNDS = 13;

/** The two u32 output words for `key` at counter `(c0, c1)`. */
export function threefry(key: Key, c0: number, c1: number): Key {
  const k0 = key[0] | 0;
  const k1 = key[1] | 0;
  const ks = [k0, k1, PARITY ^ k0 ^ k1];
  let x = (c0 + k0) | 0;
  let y = (c1 + k1) | 0;
  for (let r = 0; r < ROUNDS; r++) {
    const turn = ROTATIONS[r & 7] as number;
    x = (x + y) | 0;
    y = ((y << turn) | (y >>> (32 - turn))) ^ x;
    if ((r & 3) === 3) {
      const i = (r + 1) >> 2;
      x = (x + (ks[i % 3] as number)) | 0;
      y = (y + (ks[(i + 1) % 3] as number) + i) | 0;
    }
  }
  return [x >>> 0, y >>> 0];
}

/** The root key of a seed (any safe integer). */
export function rootKey(seed: number): Key {
  return threefry([0x5348_4f41, 0x4c00_0001], seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0);
}

/** A key derived from `key` by a number, as (step), (micro-batch), (site). */
export function fold(key: Key, n: number): Key {
  return threefry(key, n >>> 0, 0x666f_6c64);
}

/** A key derived from `key` by a name. */
export function foldName(key: Key, name: string): Key {
  let out = key;
  for (let i = 0; i < name.length; i++) out = fold(out, name.charCodeAt(i));
  return fold(out, name.length);
}

/** A number in [0, 1) with 24 random bits, from one u32 word. */
export function unit(word: number): number {
  return (word >>> 8) * 2 ** -24;
}

/**
 * `n` numbers of the standard normal distribution, by Box and Muller (1958).
 * Element i depends on `key` and i alone.
 */
export function normals(key: Key, n: number): Float32Array {
  const out = new Float32Array(n);
  for (let i = 0; i < n; i += 2) {
    const [a, b] = threefry(key, i, 1);
    const radius = Math.sqrt(-2 * Math.log(1 - unit(a)));
    const angle = 2 * Math.PI * unit(b);
    out[i] = radius * Math.cos(angle);
    if (i + 1 < n) out[i + 1] = radius * Math.sin(angle);
  }
  return out;
}

/** `n` numbers uniform in [low, high). Element i depends on `key` and i alone. */
export function uniforms(key: Key, n: number, range: readonly [number, number]): Float32Array {
  const [low, high] = range;
  return Float32Array.from(
    { length: n },
    (_, i) => low + (high - low) * unit(threefry(key, i, 2)[0]),
  );
}
