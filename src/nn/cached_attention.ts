/**
 * Attention in incremental decoding: the scope holds a cache of the keys and values of earlier
 * tokens. B batch, n new tokens, C context in tokens.
 */
import type { Heads } from "../../kernels/attention/mod.ts";
import { cachedAttention, headsOf } from "../../kernels/attention/mod.ts";
import { indexCopy } from "../../kernels/shape/mod.ts";
import type { Tensor } from "../graph/types.ts";
import type { Scope } from "./scope.ts";

/**
 * Causal attention of the new tokens' q, k, v [B, n, ...] to all tokens so far: [B, n, H Dv]. The
 * new keys and values are written to the scope's cache, f32 [B, C, Hkv (d + Dv)], keys first.
 * `divisor`, `window` and `alibi` are those of cachedAttention().
 * @throws {RangeError} when the scope does not decode, or heads do not fit.
 */
export function attendCached(
  scope: Scope,
  { q, k, v }: { q: Heads; k: Heads; v: Heads },
  options: {
    divisor?: number | undefined;
    window?: number | undefined;
    alibi?: readonly number[] | undefined;
  } = {},
): Tensor {
  if (scope.decode === undefined) {
    throw new RangeError("Cannot attend with a cache: the scope is not one of decoding");
  }
  const [batch, count] = q.of.shape as [number, number, number];
  const [keyColumns, valueColumns] = [k.heads * k.width, v.heads * v.width];
  const index = scope.positions(count);
  const before = scope.cache("cache", [
    batch,
    scope.decode.context,
    keyColumns + valueColumns,
  ]);
  const copied = (whole: Tensor, { of, first }: Heads, to: number, columns: number) =>
    indexCopy(whole, of, { index, first, count: columns, to });
  // Values that follow the keys in a packed projection need one copy.
  const cache = k.of === v.of && v.first === k.first + keyColumns
    ? copied(before, k, 0, keyColumns + valueColumns)
    : copied(copied(before, k, 0, keyColumns), v, keyColumns, valueColumns);
  return cachedAttention(q, {
    k: headsOf(cache, { heads: k.heads, width: k.width }),
    v: headsOf(cache, { heads: v.heads, first: keyColumns, width: v.width }),
    places: index,
    ...options,
  });
}
