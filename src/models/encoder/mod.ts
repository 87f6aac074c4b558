/**
 * The encoder (Devlin et al. 2018, "BERT"): post-norm blocks of attention in both directions over
 * tokens with learned positions and segments. It tells hidden tokens, a class of each token, or one
 * class of a window. B batch, T time, D width, V vocabulary, K classes.
 */
import { embedding } from "../../../kernels/embedding/mod.ts";
import { reshape, sliceAxis } from "../../../kernels/shape/mod.ts";
import type { Tensor } from "../../graph/types.ts";
import { selfAttention } from "../../nn/attention_layers.ts";
import { applyTanh } from "../../nn/elementwise.ts";
import { type Head, outputHead, tiedHead } from "../../nn/head.ts";
import { dropout, embed, layerNorm, linear, plus, positions, tableOf } from "../../nn/layers.ts";
import { activated, mlp } from "../../nn/mlp.ts";
import type { Scope } from "../../nn/scope.ts";
import { classification } from "../../nn/terms.ts";
import { defineModel, denseFlops } from "../definition.ts";
import { BERT_LAYOUT } from "./bert.ts";
import { type EncoderConfig, encoderSchema, innerWidthOf } from "./schema.ts";

export { type EncoderConfig, encoderSchema } from "./schema.ts";

/** What the encoder reads. */
interface EncoderInput {
  /** u32 [B, T] */
  readonly tokens: Tensor;
  /** u32 [B, T]: segment of each token; default: 0. */
  readonly segments?: Tensor | undefined;
  /** u32 [B]: tokens of each row; default: all. */
  readonly lengths?: Tensor | undefined;
  readonly vocabulary: number;
  readonly classes: number;
  /** One class of each row, from its first token. */
  readonly last: boolean;
}

/** The model. */
export const encoder = defineModel<EncoderConfig>({
  kind: "encoder",
  schema: encoderSchema,
  loss(scope, { tokens, segments, lengths, targets }, config, task) {
    const { vocabulary, classes, targetKind } = task;
    const last = targetKind === "sequence_class";
    const input = { tokens: tokens as Tensor, segments, lengths, vocabulary, classes, last };
    return classification(encoderHead(scope, input, config), targets as Tensor);
  },
  logits(scope, input, config) {
    const { logits, x } = encoderHead(scope, input, config);
    return logits(x);
  },
  generates: () => "it reads in both directions (deno task fill tells hidden tokens)",
  exchange: BERT_LAYOUT,
  directions: () => ["forward", "backward"],
  reads: ["tokens"],
  targets: ["token_class", "sequence_class"],
  flops: ({ layers, width }, { all, time }) => [denseFlops(all), {
    formula: "6N + 12LDT",
    per_token: 6 * all + 12 * layers * width * time,
    words: "all parameters, attention to all T tokens (PaLM, appendix B)",
  }],
});

/** The output layer over [B, T, D]; over [B, D] with `last`. */
function encoderHead(scope: Scope, input: EncoderInput, config: EncoderConfig): Head {
  const { vocabulary, classes, last } = input;
  const { width, dropout: p, norm_eps: eps, activation } = config;
  const x = encoded(scope, input, config);
  if (last) {
    const first = reshape(sliceAxis(x, { axis: 1, first: 0, count: 1 }), [-1, width]);
    const pooled = applyTanh(linear(scope.in("pooler"), first, { width }));
    return outputHead(scope.in("head"), dropout(scope, pooled, p), { classes });
  }
  if (classes !== vocabulary) {
    return outputHead(scope.in("head"), dropout(scope, x, p), { classes });
  }
  const features = activated(linear(scope.in("transform"), x, { width }), activation);
  const bias = scope.in("head").param("bias", [vocabulary], { kind: "zeros" });
  return tiedHead(scope.in("tokens"), layerNorm(scope.in("transform_norm"), features, { eps }), {
    vocabulary,
    width,
    bias,
  });
}

/** Tokens u32 [B, T] as features [B, T, D]. */
function encoded(
  scope: Scope,
  { tokens, segments, lengths, vocabulary }: EncoderInput,
  config: EncoderConfig,
): Tensor {
  const { layers, width, dropout: p, norm_eps: eps } = config;
  const table = tableOf(scope.in("segments"), { vocabulary: config.segments, width });
  const segment = segments === undefined
    ? reshape(sliceAxis(table, { axis: 0, first: 0, count: 1 }), [width])
    : embedding(table, segments);
  const words = embed(scope.in("tokens"), tokens, { vocabulary, width });
  const placed = positions(scope.in("positions"), plus(words, segment), "learned");
  let x = dropout(scope, layerNorm(scope.in("norm"), placed, { eps }), p);
  for (let i = 0; i < layers; i++) x = block(scope.in(`blocks.${i}`), x, { config, lengths });
  return x;
}

/** norm(x + attention(x)), then norm(y + mlp(y)): [B, T, D] to [B, T, D]. */
function block(
  scope: Scope,
  x: Tensor,
  { config, lengths }: { config: EncoderConfig; lengths: Tensor | undefined },
): Tensor {
  const { heads, dropout: p, norm_eps: eps, activation } = config;
  const attended = selfAttention(scope, x, { heads, dropout: p, causal: false, lengths });
  const y = layerNorm(scope.in("norm1"), plus(x, dropout(scope, attended, p)), { eps });
  const hidden = mlp(scope, y, { hidden: innerWidthOf(config), activation });
  return layerNorm(scope.in("norm2"), plus(y, dropout(scope, hidden, p)), { eps });
}
