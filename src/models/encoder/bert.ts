/**
 * Converts our encoder to transformers' BertForMaskedLM and back: names, shapes, config.json. Their
 * linear layers are [out, in], ours [in, out]; queries, keys and values are one matrix here. D width,
 * H features of the feed-forward layer, T positions, S segments, V vocabulary.
 */
import * as z from "zod";
import { UserError } from "../../base/user_error.ts";
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
import { type EncoderConfig, encoderSchema, innerWidthOf } from "./schema.ts";

/** Prefix of BertModel's tensors in a BertForMaskedLM. */
const PREFIX = "bert.";
/** The output layer's matrix, which is the token embedding, and its second name of the bias. */
const HEAD = "cls.predictions.decoder.weight";
const HEAD_BIAS = "cls.predictions.decoder.bias";
const TOKENS = "embeddings.word_embeddings.weight";
/** Buffers, and parts for other tasks: the pooled token, the next sentence. */
const IGNORED =
  /^(embeddings\.position_ids|pooler\..*|cls\.seq_relationship\..*|cls\.predictions\.decoder\.(weight|bias))$/;

const size = z.int().min(1).max(2 ** 31);

/** transformers' BertConfig with its defaults; unlisted keys do not affect the logits. */
const bertSchema = z.looseObject({
  model_type: z.literal("bert"),
  vocab_size: size.default(30522),
  hidden_size: size.default(768),
  num_hidden_layers: z.int().min(1).max(2 ** 12).default(12),
  num_attention_heads: size.default(12),
  intermediate_size: size.default(3072),
  hidden_act: z.string().default("gelu"),
  hidden_dropout_prob: z.number().min(0).lt(1).default(0.1),
  attention_probs_dropout_prob: z.number().min(0).lt(1).default(0.1),
  max_position_embeddings: size.default(512),
  type_vocab_size: size.default(2),
  layer_norm_eps: z.number().gt(0).default(1e-12),
  position_embedding_type: z.literal("absolute").default("absolute"),
  is_decoder: z.literal(false).default(false),
  add_cross_attention: z.literal(false).default(false),
  tie_word_embeddings: z.boolean().default(true),
  quantization_config: z.record(z.string(), z.unknown()).nullish(),
});

/** Our activations by their names there. */
const ACTIVATIONS: Readonly<Record<string, EncoderConfig["activation"]>> = {
  gelu: "gelu_erf",
  gelu_new: "gelu",
  gelu_pytorch_tanh: "gelu",
  relu: "relu",
};
/** The names there that we write. */
const NAMES: Readonly<Record<EncoderConfig["activation"], string>> = {
  gelu_erf: "gelu",
  gelu: "gelu_new",
  relu: "relu",
};

/** One row per tensor of theirs. */
function rowsOf(
  { model, context, vocabulary }: Pick<Sizes<EncoderConfig>, "model" | "context" | "vocabulary">,
): LayoutRow[] {
  const { layers, width, segments } = model;
  const inner = innerWidthOf(model);
  const table = (ours: string, theirs: string, rows: number): LayoutRow => ({
    ours: `${ours}.weight`,
    theirs: `embeddings.${theirs}_embeddings.weight`,
    shape: [rows, width],
  });
  const norm = (ours: string, theirs: string): LayoutRow[] =>
    ["weight", "bias"].map((part) => ({
      ours: `${ours}.${part}`,
      theirs: `${theirs}.${part}`,
      shape: [width],
    }));
  const dense = (
    ours: string,
    theirs: string,
    [out, into]: readonly [number, number],
    within?: LayoutRow["within"],
  ): LayoutRow[] => [
    {
      ours: `${ours}.weight`,
      theirs: `${theirs}.weight`,
      shape: [out, into],
      transposed: true,
      ...within && { within },
    },
    {
      ours: `${ours}.bias`,
      theirs: `${theirs}.bias`,
      shape: [out],
      ...within && { within },
    },
  ];
  const block = (i: number): LayoutRow[] => {
    const [ours, theirs] = [`blocks.${i}`, `encoder.layer.${i}`];
    return [
      ...["query", "key", "value"].flatMap((name, part) =>
        dense(`${ours}.qkv`, `${theirs}.attention.self.${name}`, [width, width], {
          first: part * width,
          columns: 3 * width,
        })
      ),
      ...dense(`${ours}.out`, `${theirs}.attention.output.dense`, [width, width]),
      ...norm(`${ours}.norm1`, `${theirs}.attention.output.LayerNorm`),
      ...dense(`${ours}.up`, `${theirs}.intermediate.dense`, [inner, width]),
      ...dense(`${ours}.down`, `${theirs}.output.dense`, [width, inner]),
      ...norm(`${ours}.norm2`, `${theirs}.output.LayerNorm`),
    ];
  };
  return [
    table("tokens", "word", vocabulary),
    table("positions", "position", context),
    table("segments", "token_type", segments),
    ...norm("norm", "embeddings.LayerNorm"),
    ...Array.from({ length: layers }, (_, i) => block(i)).flat(),
    ...dense("transform", "cls.predictions.transform.dense", [width, width]),
    ...norm("transform_norm", "cls.predictions.transform.LayerNorm"),
    { ours: "head.bias", theirs: "cls.predictions.bias", shape: [vocabulary] },
  ];
}

/** The tensors of a BertForMaskedLM. @throws {UserError} `config` unless it tells tokens. */
function toBert(portable: Portable<EncoderConfig>): NamedTensor[] {
  const { targetKind, classes, vocabulary } = portable;
  if (targetKind !== "token_class" || classes !== vocabulary) {
    throw new UserError(
      "config",
      `Cannot export the encoder as BERT: need one that tells hidden tokens: it tells ${classes} ` +
        "classes apart",
    );
  }
  return outward(portable.params, rowsOf(portable)).map((tensor) =>
    tensor.name.startsWith("cls.") ? tensor : { ...tensor, name: PREFIX + tensor.name }
  );
}

/** BertForMaskedLM of transformers. */
export const BERT_LAYOUT: ExportLayout<EncoderConfig> = {
  types: ["bert"],
  name: () => "BertForMaskedLM",
  config: ({ model, context, vocabulary }) => ({
    architectures: ["BertForMaskedLM"],
    model_type: "bert",
    vocab_size: vocabulary,
    hidden_size: model.width,
    num_hidden_layers: model.layers,
    num_attention_heads: model.heads,
    intermediate_size: innerWidthOf(model),
    hidden_act: NAMES[model.activation],
    hidden_dropout_prob: model.dropout,
    attention_probs_dropout_prob: model.dropout,
    max_position_embeddings: context,
    type_vocab_size: model.segments,
    layer_norm_eps: model.norm_eps,
    tie_word_embeddings: true,
    dtype: "float32",
  }),
  tensors: toBert,
  files: () => ({}),
  read: fromBert,
};

/** Reads a model in this layout. @throws {UserError} `data` for an unsupported or damaged one. */
function fromBert(
  json: unknown,
  file: ForeignTensors,
  { config: path, weights }: { config: string; weights: string },
): Portable<EncoderConfig> {
  const config = parsed(bertSchema, json, path);
  requireUnquantized(config.quantization_config, path);
  const activation = ACTIVATIONS[config.hidden_act];
  if (activation === undefined) {
    throw badKey(path, "hidden_act", Object.keys(ACTIVATIONS).join(" or "), config.hidden_act);
  }
  const bare = withoutPrefix(withNewNames(file), { prefix: PREFIX, what: weights });
  const ties = [{ head: HEAD, tokens: TOKENS }, {
    head: HEAD_BIAS,
    tokens: "cls.predictions.bias",
  }];
  for (const names of ties) {
    if (isTied(bare.tensors, names, { declared: config.tie_word_embeddings, what: weights })) {
      continue;
    }
    throw badKey(path, "tie_word_embeddings", "true", config.tie_word_embeddings);
  }
  const { hidden_size: width, intermediate_size: inner, hidden_dropout_prob: dropout } = config;
  const model = parsed(encoderSchema, {
    kind: "encoder",
    layers: config.num_hidden_layers,
    width,
    heads: config.num_attention_heads,
    mlp_width: inner === 4 * width ? null : inner,
    activation,
    segments: config.type_vocab_size,
    dropout,
    norm_eps: config.layer_norm_eps,
  }, path);
  const { vocab_size: vocabulary, max_position_embeddings: context } = config;
  const other = config.attention_probs_dropout_prob;
  return {
    model,
    context,
    vocabulary,
    classes: vocabulary,
    targetKind: "token_class",
    source: "masked",
    params: inward(bare, rowsOf({ model, context, vocabulary }), {
      what: weights,
      ignored: IGNORED,
    }),
    ...other !== dropout && {
      notes: [
        `Training has one dropout (model.dropout) and takes hidden_dropout_prob, ${dropout}: ` +
        `attention_probs_dropout_prob is ${other}`,
      ],
    },
  };
}

/** Norms of older files have a `gamma` and a `beta`. */
function withNewNames({ tensors, others }: ForeignTensors): ForeignTensors {
  const renamed = (name: string) =>
    name.replace(/LayerNorm\.gamma$/, "LayerNorm.weight").replace(
      /LayerNorm\.beta$/,
      "LayerNorm.bias",
    );
  return {
    tensors: new Map(Array.from(tensors, ([name, tensor]) => [renamed(name), tensor])),
    others: new Map(Array.from(others, ([name, dtype]) => [renamed(name), dtype])),
  };
}
