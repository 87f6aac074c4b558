/**
 * The encoder-decoder transformer (Vaswani et al. 2017): post-norm blocks, sinusoidal positions, one
 * table of embeddings for sources, targets and the output layer, as Marian has it. B batch, Ts tokens
 * of a source, Tt of a target, D width, V vocabulary.
 */
import type { Tensor } from "../../graph/types.ts";
import { crossAttention, selfAttention } from "../../nn/attention_layers.ts";
import { type Head, tiedHead } from "../../nn/head.ts";
import { dropout, embed, layerNorm, plus, scaled } from "../../nn/layers.ts";
import { mlp } from "../../nn/mlp.ts";
import type { Scope } from "../../nn/scope.ts";
import { sinusoidHalves } from "../../nn/sinusoids.ts";
import { smoothedClassification } from "../../nn/terms.ts";
import { defineModel, denseFlops, type SequenceInput } from "../definition.ts";
import { MARIAN_LAYOUT } from "./marian.ts";
import { type EncoderDecoderConfig, encoderDecoderSchema } from "./schema.ts";

export { type EncoderDecoderConfig, encoderDecoderSchema } from "./schema.ts";

/** The model. */
export const encoderDecoder = defineModel<EncoderDecoderConfig>({
  kind: "encoder_decoder",
  schema: encoderDecoderSchema,
  loss(scope, { source, source_lengths: lengths, tokens, targets }, config, { vocabulary }) {
    const input = {
      source: source as Tensor,
      lengths: lengths as Tensor,
      tokens: tokens as Tensor,
      vocabulary,
    };
    const head = headOf(scope, input, config);
    return smoothedClassification(head, targets as Tensor, config.label_smoothing);
  },
  sequence(scope, input, config) {
    const { logits, x } = headOf(scope, input, config);
    return logits(x);
  },
  targets: ["sequence"],
  reads: ["source", "source_lengths", "tokens"],
  generates: () => "it writes the target of a source",
  exchange: MARIAN_LAYOUT,
  flops: (_, { all }) => [denseFlops(all)],
});

/** The output layer over [B, Tt, D]. */
function headOf(
  scope: Scope,
  { source, lengths, tokens, vocabulary }: SequenceInput,
  config: EncoderDecoderConfig,
): Head {
  const { layers, decoder_layers, width } = config;
  const sizes = { vocabulary, width };
  let memory = placed(scope, source, { config, vocabulary });
  for (let i = 0; i < layers; i++) {
    memory = encoderBlock(scope.in(`encoder.${i}`), memory, { config, lengths });
  }
  let y = placed(scope, tokens, { config, vocabulary });
  for (let i = 0; i < (decoder_layers ?? layers); i++) {
    y = decoderBlock(scope.in(`decoder.${i}`), y, { config, memory, lengths });
  }
  const bias = scope.in("head").param("bias", [vocabulary], { kind: "zeros" });
  return tiedHead(scope.in("tokens"), y, { ...sizes, bias });
}

/** Embeddings times sqrt(D) (section 3.4) with their positions, dropped out. */
function placed(
  scope: Scope,
  ids: Tensor,
  { config: { width, dropout: p }, vocabulary }: {
    config: EncoderDecoderConfig;
    vocabulary: number;
  },
): Tensor {
  // The table is the output layer too, whose initial logits should have unit variance.
  const table = { vocabulary, width, std: 1 / Math.sqrt(width) };
  const x = scaled(embed(scope.in("tokens"), ids, table), Math.sqrt(width));
  const time = ids.shape.at(-1) as number;
  const waves = scope.trace.constant([time, width], sinusoidHalves(time, width));
  return dropout(scope, plus(x, waves), p);
}

/** norm(x + attention(x)), then norm(y + mlp(y)): [B, Ts, D] to [B, Ts, D]. */
function encoderBlock(
  scope: Scope,
  x: Tensor,
  { config, lengths }: { config: EncoderDecoderConfig; lengths: Tensor },
): Tensor {
  const { heads, dropout: p } = config;
  const attended = selfAttention(scope, x, { heads, dropout: p, causal: false, lengths });
  return fed(scope, added(scope, "norm1", { x, y: attended, p }), config);
}

/** As the encoder's, causal, with attention to the memory [B, Ts, D] between: [B, Tt, D]. */
function decoderBlock(
  scope: Scope,
  x: Tensor,
  { config, memory, lengths }: { config: EncoderDecoderConfig; memory: Tensor; lengths: Tensor },
): Tensor {
  const { heads, dropout: p } = config;
  const attended = selfAttention(scope, x, { heads, dropout: p });
  const y = added(scope, "norm1", { x, y: attended, p });
  const read = crossAttention(scope.in("cross"), y, memory, { heads, dropout: p, lengths });
  return fed(scope, added(scope, "norm_cross", { x: y, y: read, p }), config);
}

/** The feed-forward layer with its residual and norm. */
function fed(scope: Scope, x: Tensor, config: EncoderDecoderConfig): Tensor {
  const { width, mlp_width, activation, dropout: p } = config;
  const y = mlp(scope, x, { hidden: mlp_width ?? 4 * width, activation });
  return added(scope, "norm2", { x, y, p });
}

/** norm(x + dropout(y)) */
function added(
  scope: Scope,
  name: string,
  { x, y, p }: { x: Tensor; y: Tensor; p: number },
): Tensor {
  return layerNorm(scope.in(name), plus(x, dropout(scope, y, p)));
}
