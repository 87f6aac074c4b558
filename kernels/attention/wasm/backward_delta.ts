/** The products of y and its gradient, one per query, which all gradients of its scores need. */
import type { Body } from "../../../src/wasm/body.ts";
import { transposeQuads } from "../../../src/wasm/transpose.ts";
import type { Area, I32, Pointer, V128 } from "../../../src/wasm/values.ts";
import { f32x4, v128 } from "../../../src/wasm/vectors.ts";
import { range } from "../../emit/range.ts";
import { type AttentionCall, resultTokens } from "./call.ts";
import type { HeadTokens } from "./pack.ts";
import { VECTOR } from "./tile.ts";

/**
 * Stores the products of y and its gradient, beside lse where they are paired. They add columns in the
 * order in which tiles add them, so that the gradient of the score of a single key is exactly zero.
 */
export function printDelta(
  b: Body,
  call: AttentionCall,
  { y, lse, dy, delta, paired }: {
    readonly y: Area;
    readonly lse: Area;
    readonly dy: Area;
    readonly delta: Area;
    /** Whether delta holds lse too. */
    readonly paired: boolean;
  },
  { batch, head, numbers }: {
    readonly batch: I32;
    readonly head: I32;
    /** Index of its first query in lse. */
    readonly numbers: I32;
  },
): void {
  const [{ at, row, tokens, columns }, { at: dat }] = [y, dy].map((area) =>
    resultTokens(b, call, { area, batch, head })
  ) as [HeadTokens, HeadTokens];
  const step = paired ? 8 : 4;
  const to = b.letPointer(b.at(delta, numbers.times(step)));
  const from = b.letPointer(b.at(lse, numbers.times(4)));
  const print = (count: number, [target, numbersAt, left, right]: readonly Pointer[]) => {
    if (!target || !numbersAt || !left || !right) return;
    const sum = b.variable(v128.zero);
    const add = (parts: readonly Pointer[], lanes: number) => {
      const [p, q] = parts.map((part) =>
        transposeQuads(
          b,
          range(4).map((k) => k < count ? b.let(b.loadSome(part.plus(k * row), lanes)) : v128.zero),
        )
      ) as [V128[], V128[]];
      for (let c = 0; c < lanes; c++) {
        b.set(sum, f32x4.madd(p[c] as V128, q[c] as V128, sum));
      }
    };
    const whole = Math.floor(columns / 4);
    b.walk(whole, [[left, VECTOR], [right, VECTOR]], (...parts) => add(parts, 4));
    const done = VECTOR * whole;
    if (columns % 4 > 0) add([left.plus(done), right.plus(done)], columns % 4);
    if (!paired) return b.storeSome(target, sum, count);
    const logs = b.let(b.loadSome(numbersAt, count));
    b.storeSome(target, v128.shuffle(logs, sum, [0, 4, 1, 5]), Math.min(4, 2 * count));
    if (count > 2) {
      b.storeSome(target.plus(VECTOR), v128.shuffle(logs, sum, [2, 6, 3, 7]), 2 * count - 4);
    }
  };
  const whole = Math.floor(tokens / 4);
  const places = [[to, 4 * step], [from, VECTOR], [at, 4 * row], [dat, 4 * row]] as const;
  b.walk(whole, places, (...pointers) => print(4, pointers));
  if (tokens % 4 > 0) print(tokens % 4, places.map(([p, bytes]) => p.plus(bytes * whole)));
}
