/**
 * Schemas of config.json of exported models. Loose for other programs' files, which have many more
 * keys.
 */
import * as z from "zod";

const size = z.int().min(1).max(2 ** 31);
/** Bounds the layers, because their tensors are looked up one by one. */
const layers = z.int().min(1).max(2 ** 12);

/** transformers' GPT2Config with its defaults; unlisted keys do not affect the logits. */
export const gpt2ConfigSchema = z.looseObject({
  model_type: z.literal("gpt2"),
  architectures: z.array(z.enum(["GPT2LMHeadModel", "GPT2Model"])).nullish(),
  vocab_size: size.default(50257),
  n_positions: size.default(1024),
  n_embd: size.default(768),
  n_layer: layers.default(12),
  n_head: size.default(12),
  n_inner: size.nullish(),
  activation_function: z.string().default("gelu_new"),
  layer_norm_epsilon: z.number().default(1e-5),
  embd_pdrop: z.number().min(0).lt(1).default(0.1),
  resid_pdrop: z.number().min(0).lt(1).default(0.1),
  attn_pdrop: z.number().min(0).lt(1).default(0.1),
  scale_attn_weights: z.literal(true).default(true),
  scale_attn_by_inverse_layer_idx: z.literal(false).default(false),
  add_cross_attention: z.literal(false).default(false),
  tie_word_embeddings: z.boolean().optional(),
  quantization_config: z.record(z.string(), z.unknown()).nullish(),
});

/** The keys read from a GPT-2 config.json. */
export type Gpt2Config = z.infer<typeof gpt2ConfigSchema>;

/** config.json of our recurrent networks with PyTorch's names. */
export const recurrentConfigSchema = z.strictObject({
  model_type: z.literal("shoal_recurrent"),
  cell: z.enum(["rnn_tanh", "rnn_relu", "lstm", "gru"]),
  vocab_size: size,
  hidden_size: size,
  num_layers: layers,
  bidirectional: z.boolean(),
  dropout: z.number().min(0).lt(1),
  shared_dropout: z.boolean(),
  classes: size,
  asked: z.enum(["next", "each", "one"]),
  readout: z.enum(["last", "mean"]),
  context: size,
  eos_token_id: z.int().min(0).nullable(),
});

/** The config.json of an exported recurrent network. */
export type RecurrentExport = z.infer<typeof recurrentConfigSchema>;

/** The index of weights in several files: the file of each tensor. A name with a separator could lead out of the folder. */
export const weightsIndexSchema = z.looseObject({
  weight_map: z.record(z.string(), z.string().regex(/^[A-Za-z0-9][\w.-]*\.safetensors$/)),
});
