/** Transposes four vectors in registers. */
import type { Body } from "./body.ts";
import type { V128 } from "./values.ts";
import { v128 } from "./vectors.ts";

/** The columns of four rows. */
export function transposeQuads(b: Body, rows: readonly V128[]): V128[] {
  const [p, q, r, s] = rows as [V128, V128, V128, V128];
  const low = [[p, q], [r, s]].map(([x, y]) =>
    b.let(v128.shuffle(x as V128, y as V128, [0, 4, 1, 5]))
  );
  const high = [[p, q], [r, s]].map(([x, y]) =>
    b.let(v128.shuffle(x as V128, y as V128, [2, 6, 3, 7]))
  );
  return [low, high].flatMap(([x, y]) => [
    b.let(v128.shuffle(x as V128, y as V128, [0, 1, 4, 5])),
    b.let(v128.shuffle(x as V128, y as V128, [2, 3, 6, 7])),
  ]);
}
