/**
 * Positions of tokens that models give to queries and keys, instead of adding them to embeddings. B
 * batch, T time, W columns.
 */
import type { Heads } from "../../kernels/attention/mod.ts";
import type { RotaryFrequencies, RotaryPairing, RotaryTables } from "../../kernels/rotary/mod.ts";
import { rotary, rotaryFrequencies, rotaryTables } from "../../kernels/rotary/mod.ts";
import type { Tensor } from "../graph/types.ts";
import type { Scope } from "./scope.ts";

/** Rotates heads of f32 [B, T, W] by the positions of their tokens; returns [B, T, W]. */
export type Rotation = (x: Heads) => Tensor;

/**
 * Rotary position embeddings (Su et al. 2021, section 3.2.2) for the layers of one model, which share
 * their tables. The rotation turns the first `rotated` columns of each head and copies all others;
 * in a packed projection, one call turns queries and keys. Tokens are at positions 0 to T - 1; when
 * decoding, at those of the new tokens. The rotation throws a RangeError when heads are narrower
 * than `rotated`.
 * @throws {RangeError} when `rotated` is not even, or theta or scaling do not fit.
 */
export function rotaryPositions(
  scope: Scope,
  { pairing, ...frequencies }: RotaryFrequencies & { pairing?: RotaryPairing | undefined },
): Rotation {
  rotaryFrequencies(frequencies);
  const known = new Map<number, RotaryTables>();
  const tablesOf = (rows: number): RotaryTables => {
    const tables = known.get(rows) ?? rotaryTables(scope.trace, rows, frequencies);
    known.set(rows, tables);
    return tables;
  };
  return (x) => {
    const time = x.of.shape[1] ?? 0;
    return rotary(x, {
      ...tablesOf(scope.decode?.context ?? time),
      pairing,
      positions: scope.decode === undefined ? undefined : scope.positions(time),
    });
  };
}
