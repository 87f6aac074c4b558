/**
 * Decoders with Llama's blocks (Touvron et al. 2023, section 2.2), whose feed-forward layer is given:
 * pre-norm blocks with RMS norms, rotary positions and grouped-query attention, without biases. B
 * batch, T time, D width.
 */
import type { RotaryScaling } from "../../../kernels/rotary/mod.ts";
import type { Tensor } from "../../graph/types.ts";
import type { PackedAttendOptions } from "../../nn/attention.ts";
import { selfAttention } from "../../nn/attention_layers.ts";
import { type Head, outputHead, tiedHead } from "../../nn/head.ts";
import { dropout, embed, plus, readout } from "../../nn/layers.ts";
import { rmsNorm } from "../../nn/mlp.ts";
import { rotaryPositions } from "../../nn/positions.ts";
import type { Scope } from "../../nn/scope.ts";
import type { LogitsInput } from "../definition.ts";
import { headWidthOf, type LlamaConfig, type RotaryScalingConfig } from "./schema.ts";

/** A config of such a decoder. */
export type DecoderConfig = Omit<LlamaConfig, "kind" | "mlp_width">;

/**
 * The feed-forward layer of a block: [B, T, D] to [B, T, D]. `scale`: factor of the standard
 * deviation of the initial weights of what it adds to the residual stream.
 */
export type FeedForward = (scope: Scope, x: Tensor, options: { readonly scale: number }) => Tensor;

/** The output layer over [B, T, D]; over [B, D] of the last position with `last`. */
export function decoderHead(
  scope: Scope,
  { tokens, vocabulary, classes, last, starts }: LogitsInput,
  { config, feedForward }: { readonly config: DecoderConfig; readonly feedForward: FeedForward },
): Head {
  const { layers, width, dropout: p, norm_eps: eps } = config;
  const attention = attentionOf(scope, config, starts);
  let x = dropout(scope, embed(scope.in("tokens"), tokens, { vocabulary, width }), p);
  for (let i = 0; i < layers; i++) {
    x = block(scope.in(`blocks.${i}`), x, { config, attention, feedForward });
  }
  x = rmsNorm(scope.in("norm"), last ? readout(x, "last") : x, { eps });
  return config.tie_embeddings
    ? tiedHead(scope.in("tokens"), x, { vocabulary, width })
    : outputHead(scope.in("head"), x, { classes, bias: false });
}

/** The attention of all blocks, which share tables of rotary positions. */
function attentionOf(
  scope: Scope,
  config: DecoderConfig,
  starts: Tensor | undefined,
): PackedAttendOptions {
  const { heads, kv_heads, dropout, attention_window, rotary_theta: theta, qk_norm } = config;
  return {
    heads,
    kvHeads: kv_heads ?? heads,
    dropout,
    starts,
    window: attention_window ?? undefined,
    rotate: rotaryPositions(scope, {
      rotated: headWidthOf(config),
      theta,
      scaling: scalingOf(config.rotary_scaling),
    }),
    ...qk_norm && { norm: { eps: config.norm_eps } },
  };
}

function scalingOf(scaling: RotaryScalingConfig | null): RotaryScaling | undefined {
  switch (scaling?.kind) {
    case undefined:
      return undefined;
    case "linear":
      return scaling;
    case "llama3": {
      const { kind, factor, low_freq_factor, high_freq_factor, context } = scaling;
      const [lowFreqFactor, highFreqFactor] = [low_freq_factor, high_freq_factor];
      return { kind, factor, lowFreqFactor, highFreqFactor, context };
    }
    case "yarn": {
      const { kind, factor, context, beta_fast, beta_slow, attention_factor: own } = scaling;
      const attention = own === null ? {} : { attentionFactor: own };
      return { kind, factor, context, betaFast: beta_fast, betaSlow: beta_slow, ...attention };
    }
  }
}

/** x + attention(norm(x)), then x + feedForward(norm(x)): [B, T, D] to [B, T, D]. */
function block(
  scope: Scope,
  x: Tensor,
  { config, attention, feedForward }: {
    config: DecoderConfig;
    attention: PackedAttendOptions;
    feedForward: FeedForward;
  },
): Tensor {
  const { layers, dropout: p, norm_eps: eps } = config;
  // As in GPT-2, residual projections begin smaller the deeper the model is.
  const scale = 1 / Math.sqrt(2 * layers);
  const out = selfAttention(scope, rmsNorm(scope.in("norm1"), x, { eps }), {
    ...attention,
    headWidth: headWidthOf(config),
    into: { bias: false },
    back: { bias: false, scale },
  });
  const y = plus(x, dropout(scope, out, p));
  const added = feedForward(scope, rmsNorm(scope.in("norm2"), y, { eps }), { scale });
  return plus(y, dropout(scope, added, p));
}
