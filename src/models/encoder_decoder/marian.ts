/**
 * Converts our encoder-decoder to transformers' MarianMTModel and back: names, shapes, config.json.
 * Their linear layers are [out, in], ours [in, out]; queries, keys and values of self-attention are
 * one matrix here, keys and values of cross attention another. D width, H features of a feed-forward
 * layer, V vocabulary.
 */
import * as z from "zod";
import type { NamedTensor } from "../../checkpoint/tensors/tensor.ts";
import {
  badKey,
  type ForeignTensors,
  isTied,
  requireUnquantized,
  withoutPrefix,
} from "../../exchange/hugging_face.ts";
import { parsed } from "../../exchange/parsed.ts";
import { inward, type LayoutRow, outward } from "../../exchange/rows.ts";
import type { ExportLayout, Portable, Sizes } from "../../exchange/types.ts";
import { type EncoderDecoderConfig, encoderDecoderSchema } from "./schema.ts";

/** Prefix of MarianModel's tensors in a MarianMTModel. */
const PREFIX = "model.";
const TOKENS = "shared.weight";
const BIAS = "final_logits_bias";
/** Copies of the embeddings, and tables of sinusoids. */
const IGNORED = /^(lm_head\.weight|(encoder|decoder)\.embed_(tokens|positions)\.weight)$/;

const size = z.int().min(1).max(2 ** 31);
const layers = z.int().min(1).max(2 ** 12);

/** transformers' MarianConfig; unlisted keys do not affect the logits. */
const marianSchema = z.looseObject({
  model_type: z.literal("marian"),
  vocab_size: size,
  decoder_vocab_size: size.nullish(),
  max_position_embeddings: size,
  d_model: size,
  encoder_layers: layers,
  decoder_layers: layers,
  encoder_attention_heads: size,
  decoder_attention_heads: size,
  encoder_ffn_dim: size,
  decoder_ffn_dim: size,
  activation_function: z.string(),
  dropout: z.number().min(0).lt(1).default(0.1),
  attention_dropout: z.number().min(0).lt(1).default(0),
  activation_dropout: z.number().min(0).lt(1).default(0),
  scale_embedding: z.literal(true),
  share_encoder_decoder_embeddings: z.literal(true).default(true),
  tie_word_embeddings: z.boolean().default(true),
  quantization_config: z.record(z.string(), z.unknown()).nullish(),
});

/** Our activations by their names there. */
const ACTIVATIONS: Readonly<Record<string, EncoderDecoderConfig["activation"]>> = {
  relu: "relu",
  swish: "silu",
  silu: "silu",
  gelu: "gelu_erf",
  gelu_new: "gelu",
};
/** The names there that we write. */
const NAMES: Readonly<Record<EncoderDecoderConfig["activation"], string>> = {
  relu: "relu",
  silu: "swish",
  gelu_erf: "gelu",
  gelu: "gelu_new",
};

/** One row per tensor of theirs, but for the bias of the logits. */
function rowsOf(
  { model, vocabulary }: Pick<Sizes<EncoderDecoderConfig>, "model" | "vocabulary">,
): LayoutRow[] {
  const { layers, decoder_layers, width } = model;
  const inner = model.mlp_width ?? 4 * width;
  const dense = (
    ours: string,
    theirs: string,
    [out, into]: readonly [number, number],
    within?: LayoutRow["within"],
  ): LayoutRow[] => {
    const part = within && { within };
    const weight = { ours: `${ours}.weight`, theirs: `${theirs}.weight`, shape: [out, into] };
    const bias = { ours: `${ours}.bias`, theirs: `${theirs}.bias`, shape: [out] };
    return [{ ...weight, transposed: true, ...part }, { ...bias, ...part }];
  };
  const square = [width, width] as const;
  /** Projections side by side in one of ours. */
  const packed = (ours: string, theirs: string, names: readonly string[]): LayoutRow[] =>
    names.flatMap((name, i) =>
      dense(ours, `${theirs}.${name}_proj`, square, {
        first: i * width,
        columns: names.length * width,
      })
    );
  const norm = (ours: string, theirs: string): LayoutRow[] =>
    ["weight", "bias"].map((part) => ({
      ours: `${ours}.${part}`,
      theirs: `${theirs}.${part}`,
      shape: [width],
    }));
  const block = (side: "encoder" | "decoder", i: number): LayoutRow[] => {
    const [ours, theirs] = [`${side}.${i}`, `${side}.layers.${i}`];
    const cross = `${theirs}.encoder_attn`;
    return [
      ...packed(`${ours}.qkv`, `${theirs}.self_attn`, ["q", "k", "v"]),
      ...dense(`${ours}.out`, `${theirs}.self_attn.out_proj`, square),
      ...norm(`${ours}.norm1`, `${theirs}.self_attn_layer_norm`),
      ...side === "decoder"
        ? [
          ...dense(`${ours}.cross.q`, `${cross}.q_proj`, square),
          ...packed(`${ours}.cross.kv`, cross, ["k", "v"]),
          ...dense(`${ours}.cross.out`, `${cross}.out_proj`, square),
          ...norm(`${ours}.norm_cross`, `${cross}_layer_norm`),
        ]
        : [],
      ...dense(`${ours}.up`, `${theirs}.fc1`, [inner, width]),
      ...dense(`${ours}.down`, `${theirs}.fc2`, [width, inner]),
      ...norm(`${ours}.norm2`, `${theirs}.final_layer_norm`),
    ];
  };
  const blocks = (side: "encoder" | "decoder", count: number) =>
    Array.from({ length: count }, (_, i) => block(side, i)).flat();
  return [
    { ours: "tokens.weight", theirs: TOKENS, shape: [vocabulary, width] },
    ...blocks("encoder", layers),
    ...blocks("decoder", decoder_layers ?? layers),
  ];
}

/** The tensors of a MarianMTModel; the bias of its logits has a leading axis of 1. */
function toMarian({ params, ...sizes }: Portable<EncoderDecoderConfig>): NamedTensor[] {
  const bias = params.get("head.bias") as NamedTensor;
  return [
    ...outward(params, rowsOf(sizes)).map((tensor) => ({ ...tensor, name: PREFIX + tensor.name })),
    { ...bias, name: BIAS, shape: [1, sizes.vocabulary] },
  ];
}

/** MarianMTModel of transformers. Its start token is the last one, its end the one before. */
export const MARIAN_LAYOUT: ExportLayout<EncoderDecoderConfig> = {
  types: ["marian"],
  name: () => "MarianMTModel",
  config: ({ model, context, vocabulary }) => ({
    architectures: ["MarianMTModel"],
    model_type: "marian",
    is_encoder_decoder: true,
    vocab_size: vocabulary,
    decoder_vocab_size: vocabulary,
    max_position_embeddings: context,
    d_model: model.width,
    encoder_layers: model.layers,
    decoder_layers: model.decoder_layers ?? model.layers,
    encoder_attention_heads: model.heads,
    decoder_attention_heads: model.heads,
    encoder_ffn_dim: model.mlp_width ?? 4 * model.width,
    decoder_ffn_dim: model.mlp_width ?? 4 * model.width,
    activation_function: NAMES[model.activation],
    dropout: model.dropout,
    attention_dropout: model.dropout,
    activation_dropout: 0,
    scale_embedding: true,
    share_encoder_decoder_embeddings: true,
    tie_word_embeddings: true,
    eos_token_id: vocabulary - 2,
    forced_eos_token_id: null,
    pad_token_id: vocabulary - 1,
    decoder_start_token_id: vocabulary - 1,
    dtype: "float32",
  }),
  tensors: toMarian,
  files: () => ({}),
  read: fromMarian,
};

/** Reads a model in this layout. @throws {UserError} `data` for an unsupported or damaged one. */
function fromMarian(
  json: unknown,
  file: ForeignTensors,
  { config: path, weights }: { config: string; weights: string },
): Portable<EncoderDecoderConfig> {
  const config = parsed(marianSchema, json, path);
  requireUnquantized(config.quantization_config, path);
  const activation = ACTIVATIONS[config.activation_function];
  const { d_model: width, vocab_size: vocabulary, encoder_ffn_dim: inner, dropout } = config;
  if (activation === undefined) {
    const known = Object.keys(ACTIVATIONS).join(" or ");
    throw badKey(path, "activation_function", known, config.activation_function);
  }
  for (
    const [key, other, value] of [
      ["decoder_vocab_size", config.decoder_vocab_size ?? vocabulary, vocabulary],
      ["decoder_ffn_dim", config.decoder_ffn_dim, inner],
      ["decoder_attention_heads", config.decoder_attention_heads, config.encoder_attention_heads],
    ] as const
  ) {
    if (other !== value) throw badKey(path, key, `${value}, as the encoder has`, other);
  }
  const bare = withoutPrefix(file, { prefix: PREFIX, what: weights });
  const names = { head: "lm_head.weight", tokens: TOKENS };
  const declared = config.tie_word_embeddings;
  if (!isTied(bare.tensors, names, { declared, what: weights })) {
    throw badKey(path, "tie_word_embeddings", "true", declared);
  }
  const model = parsed(encoderDecoderSchema, {
    kind: "encoder_decoder",
    layers: config.encoder_layers,
    decoder_layers: config.decoder_layers === config.encoder_layers ? null : config.decoder_layers,
    width,
    heads: config.encoder_attention_heads,
    mlp_width: inner === 4 * width ? null : inner,
    activation,
    dropout,
    label_smoothing: 0,
  }, path);
  const rows = [
    ...rowsOf({ model, vocabulary }),
    { ours: "head.bias", theirs: BIAS, shape: [1, vocabulary] },
  ];
  const params = inward(bare, rows, { what: weights, ignored: IGNORED });
  const bias = params.get("head.bias") as NamedTensor;
  params.set("head.bias", { ...bias, shape: [vocabulary] });
  return {
    model,
    context: config.max_position_embeddings,
    vocabulary,
    classes: vocabulary,
    targetKind: "sequence",
    source: "pairs",
    params,
  };
}
