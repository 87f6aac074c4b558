/** The random generator of src/base/random.ts over four counters at once. */
import type { Body } from "./body.ts";
import type { V128 } from "./values.ts";
import { i32x4, v128 } from "./vectors.ts";

/** A key, each of its words in all lanes. */
export type VectorKey = readonly [V128, V128];

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24];
const ROUNDS = 13;
const PARITY = 0x1bd11bda;

/** The first words of Threefry-2x32 with 13 rounds at the counters (`counters`, `site`). */
export function threefryVector(b: Body, [k0, k1]: VectorKey, counters: V128, site: number): V128 {
  const keys = [k0, k1, b.let(v128.xor(i32x4.splat(PARITY), v128.xor(k0, k1)))] as const;
  let x = b.let(i32x4.add(counters, k0));
  let y = b.let(i32x4.add(i32x4.splat(site), k1));
  for (let r = 0; r < ROUNDS; r++) {
    const turn = ROTATIONS[r & 7] as number;
    x = b.let(i32x4.add(x, y));
    y = b.let(v128.xor(v128.or(i32x4.shl(y, turn), i32x4.shrUnsigned(y, 32 - turn)), x));
    if ((r & 3) === 3) {
      const i = (r + 1) >> 2;
      x = b.let(i32x4.add(x, keys[i % 3] as V128));
      y = b.let(i32x4.add(i32x4.add(y, keys[(i + 1) % 3] as V128), i32x4.splat(i)));
    }
  }
  return x;
}
