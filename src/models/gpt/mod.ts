/**
 * The decoder transformer: pre-norm blocks of causal attention and a GELU MLP, as in GPT-2
 * (Radford et al. 2019, section 2.3), in standard or in maximal update parametrisation. B batch,
 * T time, D width, V vocabulary.
 */
import { alibiSlopes } from "../../../kernels/attention/mod.ts";
import type { Tensor } from "../../graph/types.ts";
import type { PackedAttendOptions } from "../../nn/attention.ts";
import { selfAttention } from "../../nn/attention_layers.ts";
import { type Head, outputHead, tiedHead } from "../../nn/head.ts";
import {
  dropout,
  embed,
  gelu,
  layerNorm,
  linear,
  plus,
  positions,
  readout,
} from "../../nn/layers.ts";
import { rotaryPositions } from "../../nn/positions.ts";
import type { Scope } from "../../nn/scope.ts";
import { classification } from "../../nn/terms.ts";
import { decoderFlops, windowNotices } from "../attention_flops.ts";
import { defineModel, type LogitsInput, tiedFaults } from "../definition.ts";
import { GPT2_LAYOUT } from "./gpt2.ts";
import { type GptConfig, gptSchema } from "./schema.ts";
import { widthFactors } from "./width_transfer.ts";

export { type GptConfig, gptSchema } from "./schema.ts";

/** The model. */
export const gpt = defineModel<GptConfig>({
  kind: "gpt",
  schema: gptSchema,
  reads: ["tokens"],
  loss(scope, { tokens, targets, starts }, config, { vocabulary, classes, targetKind }) {
    const last = targetKind === "sequence_class";
    const input = { tokens: tokens as Tensor, vocabulary, classes, last, starts };
    return classification(gptHead(scope, input, config), targets as Tensor);
  },
  logits(scope, input, config) {
    const { logits, x } = gptHead(scope, input, config);
    return logits(x);
  },
  generates: () => ({ memory: "window" }),
  exchange: GPT2_LAYOUT,
  documents: true,
  faults({ tie_embeddings: tied, mup_base_width: base }, { task, source, optimizer }) {
    const faults = tiedFaults(tied, { task, source });
    if (base !== null && (optimizer === "sgd" || optimizer === "muon")) {
      const reason = `its factors are those of Adam, not of ${optimizer}`;
      faults.push(["mup_base_width", `need null, since ${reason}: ${base}`]);
    }
    return faults;
  },
  unused: ({ positions }) =>
    positions === "rotary" ? [] : [["rotary_theta", "model.positions=rotary"]],
  notices: ({ attention_window }, time) => windowNotices(attention_window, time),
  flops: ({ layers, width, attention_window }, sizes) =>
    decoderFlops({ layers, columns: width, window: attention_window }, sizes),
});

/** The output layer over [B, T, D]; over [B, D] of the last position with `last`. */
function gptHead(
  scope: Scope,
  { tokens, vocabulary, classes, last, starts }: Omit<LogitsInput, "carries">,
  config: GptConfig,
): Head {
  const { layers, width, dropout: p, positions: kind } = config;
  const embedded = embed(scope.in("tokens"), tokens, { vocabulary, width });
  const placed = kind === "learned" || kind === "sinusoidal"
    ? positions(scope.in("positions"), embedded, kind)
    : embedded;
  const attention = attentionOf(scope, config, starts);
  let x = dropout(scope, placed, p);
  for (let i = 0; i < layers; i++) x = block(scope.in(`blocks.${i}`), x, { config, attention });
  x = layerNorm(scope.in("norm"), last ? readout(x, "last") : x);
  const { logits: factor } = widthFactors(config);
  return config.tie_embeddings
    ? tiedHead(scope.in("tokens"), x, { vocabulary, width, factor })
    : outputHead(scope.in("head"), x, { classes, bias: false, factor });
}

/** The attention of all blocks, which share tables of rotary positions. */
function attentionOf(
  scope: Scope,
  config: GptConfig,
  starts: Tensor | undefined,
): PackedAttendOptions {
  const { width, heads, kv_heads, dropout, positions, attention_window } = config;
  return {
    heads,
    kvHeads: kv_heads ?? heads,
    dropout,
    divisor: widthFactors(config).divisor,
    starts,
    window: attention_window ?? undefined,
    ...positions === "alibi" && { alibi: alibiSlopes(heads) },
    ...positions === "rotary" && {
      rotate: rotaryPositions(scope, { rotated: width / heads, theta: config.rotary_theta }),
    },
  };
}

/** x + attention(norm(x)), then x + mlp(norm(x)): [B, T, D] to [B, T, D]. */
function block(
  scope: Scope,
  x: Tensor,
  { config, attention }: { config: GptConfig; attention: PackedAttendOptions },
): Tensor {
  const { layers, width, dropout: p } = config;
  const { std, lrScale } = widthFactors(config);
  // GPT-2 scales the initial residual projections by 1 / sqrt(2 layers): the variance of the
  // residual stream does not grow with depth.
  const depth = 1 / Math.sqrt(2 * layers);
  const into = { scale: std, lrScale };
  const back = { scale: std * depth, lrScale };
  const out = selfAttention(scope, layerNorm(scope.in("norm1"), x), { ...attention, into, back });
  const y = plus(x, dropout(scope, out, p));
  const hidden = gelu(
    linear(scope.in("up"), layerNorm(scope.in("norm2"), y), { width: 4 * width, ...into }),
  );
  const down = linear(scope.in("down"), hidden, { ...back, width });
  return plus(y, dropout(scope, down, p));
}
