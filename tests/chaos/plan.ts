/** The random sequence of faults, drawn from a seed. Pure. */
import { fold, type Key, rootKey, threefry, unit } from "../../src/base/random.ts";

/** Kinds of faults and their relative frequencies. */
export const KINDS = {
  "worker killed": 8,
  "worker stopped for ever": 2,
  "worker stopped for a while": 3,
  "coordinator killed": 2,
  "coordinator stopped for a while": 1,
  "told to stop": 2,
  "one worker more": 2,
  "one worker fewer": 2,
  "code changed": 2,
  "data changed": 2,
  "folder moved": 1,
  "quota exceeded": 2,
  "bit of the journal flipped": 1,
} as const;

/** A kind of fault. */
export type Kind = keyof typeof KINDS;

/** A fault. */
export interface Fault {
  /** Milliseconds after the previous one. */
  readonly after: number;
  readonly kind: Kind;
  /** In [0, 1): which worker it meets. */
  readonly whom: number;
  /** Milliseconds, for what lasts a while. */
  readonly ms: number;
}

/** Fault number `n` of a seed; `mtbf`: mean milliseconds between two, exponentially distributed. */
export function faultOf(seed: number, n: number, mtbf: number): Fault {
  const key = fold(rootKey(seed), n);
  return {
    after: -mtbf * Math.log(1 - draw(key, 0)),
    kind: kindAt(draw(key, 1)),
    whom: draw(key, 2),
    ms: 3000 * draw(key, 3),
  };
}

function draw(key: Key, site: number): number {
  return unit(threefry(key, site, 0)[0]);
}

/** The kind at a place in [0, 1) of all shares. */
export function kindAt(place: number): Kind {
  const kinds = Object.entries(KINDS) as [Kind, number][];
  let left = place * kinds.reduce((sum, [, share]) => sum + share, 0);
  for (const [kind, share] of kinds) {
    if (left < share) return kind;
    left -= share;
  }
  return "worker killed";
}
