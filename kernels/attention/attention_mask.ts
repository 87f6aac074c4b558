/** Masks of attention: which keys a query attends to. B batch, Tq queries, Tk keys. */
import type { Tensor } from "../../src/graph/types.ts";
import type { AttentionAttrs } from "./attention_attrs.ts";

/**
 * Conditions on query i and key j of one row of the batch; a query attends to the keys that fulfil all
 * of them. `{}` masks nothing.
 */
export interface AttentionMask {
  /** j <= i; needs Tq = Tk. */
  readonly causal?: boolean | undefined;
  /**
   * Sliding window: |i - j| < window, so that a causal mask leaves the last `window` tokens (Beltagy,
   * Peters, Cohan 2020, section 3.1). Loops skip what is outside.
   */
  readonly window?: number | undefined;
  /** u32 [B]: j < lengths[b], where keys are padded at their end. Loops stop there. */
  readonly lengths?: Tensor | undefined;
  /**
   * u32 [B, Tq]: j >= starts[b, i], where a causal window holds several documents; needs `causal`. The
   * caller must ensure that `starts[b, i]` is at most i.
   */
  readonly starts?: Tensor | undefined;
  /**
   * u32 [B, T]: ids of queries and keys, which must be equal; or a pair of ids [B, Tq] of queries and
   * [B, Tk] of keys.
   */
  readonly segments?: Tensor | readonly [Tensor, Tensor] | undefined;
}

function isPair(
  segments: Tensor | readonly [Tensor, Tensor],
): segments is readonly [Tensor, Tensor] {
  return Array.isArray(segments);
}

/** The static part of a mask. */
export function maskAttrs(
  { causal, window, lengths, starts, segments }: AttentionMask,
): Partial<AttentionAttrs> {
  return {
    ...causal === true && { causal },
    ...window !== undefined && { window },
    ...starts !== undefined && { starts: true },
    ...lengths !== undefined && { lengths: true },
    ...segments !== undefined && { segments: isPair(segments) ? "pair" : "same" },
  };
}

/** The tensors of a mask, in the order of the op's inputs. */
export function maskTensors({ lengths, starts, segments }: AttentionMask): Tensor[] {
  const ids = segments === undefined ? [] : isPair(segments) ? segments : [segments];
  return [starts, lengths, ...ids].filter((tensor) => tensor !== undefined);
}
