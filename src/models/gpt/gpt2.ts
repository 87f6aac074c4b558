/**
 * Converts our transformer to transformers' GPT2LMHeadModel and back: names, shapes, config.json.
 * Its linear layers are Conv1D with weights [in, out] as ours; only the head is transposed. D
 * width, T context, V vocabulary.
 */
import { EPS } from "../../../kernels/layer_norm/mod.ts";
import type { NamedTensor } from "../../checkpoint/tensors/tensor.ts";
import { requireGpt2 } from "./require_gpt2.ts";
import { type GptConfig, gptSchema } from "./schema.ts";
import { sinusoids } from "../../nn/sinusoids.ts";
import { folded } from "./folded.ts";
import {
  badKey,
  type ForeignTensors,
  generationFiles,
  isTied,
  requireNextToken,
  requireUnquantized,
  withoutPrefix,
} from "../../exchange/hugging_face.ts";
import { inward, type LayoutRow, outward } from "../../exchange/rows.ts";
import { type Gpt2Config, gpt2ConfigSchema } from "../../exchange/schema.ts";
import type { ExportLayout, Portable, Sizes } from "../../exchange/types.ts";
import { parsed } from "../../exchange/parsed.ts";

/** Prefix of GPT2Model's tensors in a GPT2LMHeadModel. */
const PREFIX = "transformer.";
/** Causal mask buffers in older files. */
const MASKS = /^h\.\d+\.attn\.(bias|masked_bias)$/;
/** Config keys of other architectures, and GPT-2's own. */
const ALIASES: Readonly<Record<string, string>> = {
  hidden_size: "n_embd",
  num_hidden_layers: "n_layer",
  num_attention_heads: "n_head",
  max_position_embeddings: "n_positions",
};
/** Two names of GELU in its tanh form. */
const GELU: readonly string[] = ["gelu_new", "gelu_pytorch_tanh"];

/** One row per parameter. */
function rowsOf(
  { model, context, vocabulary }: Omit<Sizes<GptConfig>, "classes" | "targetKind">,
): LayoutRow[] {
  const { layers, width, tie_embeddings: tied, positions } = model;
  const pair = (
    ours: string,
    theirs: string,
    [inner, outer]: readonly [number, number],
  ): LayoutRow[] => [
    { ours: `${ours}.weight`, theirs: `${theirs}.weight`, shape: [inner, outer] },
    { ours: `${ours}.bias`, theirs: `${theirs}.bias`, shape: [outer] },
  ];
  const norm = (ours: string, theirs: string): LayoutRow[] =>
    ["weight", "bias"].map((part) => ({
      ours: `${ours}.${part}`,
      theirs: `${theirs}.${part}`,
      shape: [width],
    }));
  const block = (i: number): LayoutRow[] => {
    const [ours, theirs] = [`blocks.${i}`, `h.${i}`];
    return [
      ...norm(`${ours}.norm1`, `${theirs}.ln_1`),
      ...pair(`${ours}.qkv`, `${theirs}.attn.c_attn`, [width, 3 * width]),
      ...pair(`${ours}.out`, `${theirs}.attn.c_proj`, [width, width]),
      ...norm(`${ours}.norm2`, `${theirs}.ln_2`),
      ...pair(`${ours}.up`, `${theirs}.mlp.c_fc`, [width, 4 * width]),
      ...pair(`${ours}.down`, `${theirs}.mlp.c_proj`, [4 * width, width]),
    ];
  };
  const table = (ours: string, theirs: string, rows: number): LayoutRow => ({
    ours: `${ours}.weight`,
    theirs: `${theirs}.weight`,
    shape: [rows, width],
  });
  return [
    table("tokens", "wte", vocabulary),
    ...(positions === "learned" ? [table("positions", "wpe", context)] : []),
    ...Array.from({ length: layers }, (_, i) => block(i)).flat(),
    ...norm("norm", "ln_f"),
    ...(tied ? [] : [{ ...table("head", "lm_head", vocabulary), transposed: true }]),
  ];
}

/**
 * The tensors of a GPT2LMHeadModel. Sinusoidal positions become a table, and width multipliers are
 * folded into the parameters.
 * @throws {UserError} `config` unless the model predicts the next token, and GPT-2 has all its parts.
 */
export function toGpt2(portable: Portable<GptConfig>): NamedTensor[] {
  requireGpt2(portable.model);
  const { model: { positions, width }, context, targetKind } = portable;
  requireNextToken(targetKind, "the transformer");
  const tensors = outward(folded(portable).params, rowsOf(portable));
  if (positions === "sinusoidal") {
    const shape = [context, width];
    tensors.push({ name: "wpe.weight", shape, data: sinusoids(context, width) });
  }
  return tensors.map((tensor) =>
    tensor.name === "lm_head.weight" ? tensor : { ...tensor, name: PREFIX + tensor.name }
  );
}

/** The config.json of a GPT2LMHeadModel; `end`: end-of-document token. */
export function gpt2ConfigOf(
  { model, context, vocabulary }: Sizes<GptConfig>,
  end: number | undefined,
): Record<string, unknown> {
  const { layers, width, heads, dropout, tie_embeddings: tied } = model;
  return {
    architectures: ["GPT2LMHeadModel"],
    model_type: "gpt2",
    vocab_size: vocabulary,
    n_positions: context,
    n_ctx: context,
    n_embd: width,
    n_layer: layers,
    n_head: heads,
    n_inner: 4 * width,
    activation_function: "gelu_new",
    layer_norm_epsilon: EPS,
    embd_pdrop: dropout,
    resid_pdrop: dropout,
    attn_pdrop: dropout,
    bos_token_id: end ?? null,
    eos_token_id: end ?? null,
    tie_word_embeddings: tied,
    dtype: "float32",
  };
}

/** Reads a model in this layout. @throws {UserError} `data` for an unsupported or damaged one. */
export function fromGpt2(
  json: unknown,
  file: ForeignTensors,
  { config: configPath, weights }: { config: string; weights: string },
): Portable<GptConfig> {
  const config = parsed(gpt2ConfigSchema, withOwnNames(json, configPath), configPath);
  requireKnown(config, configPath);
  const bare = withoutPrefix(file, { prefix: PREFIX, what: weights });
  const { n_positions: context, n_embd: width, vocab_size: vocabulary } = config;
  const tied = isTied(bare.tensors, { head: "lm_head.weight", tokens: "wte.weight" }, {
    declared: config.tie_word_embeddings,
    what: weights,
  });
  const model = parsed(gptSchema, {
    kind: "gpt",
    layers: config.n_layer,
    width,
    heads: config.n_head,
    dropout: config.resid_pdrop,
    positions: "learned",
    tie_embeddings: tied,
  }, configPath);
  const sizes = { model, context, vocabulary };
  const ignored = tied ? new RegExp(`${MASKS.source}|^lm_head\\.weight$`) : MASKS;
  const params = inward(bare, rowsOf(sizes), { what: weights, ignored });
  const notes = dropoutNotes(config);
  const found = {
    ...sizes,
    classes: vocabulary,
    targetKind: "next_token" as const,
    params,
    ...notes.length > 0 && { notes },
  };
  return isSinusoidal(found) ? withSinusoids(found) : found;
}

/**
 * Renames aliases to GPT-2's own keys, as `GPT2Config.attribute_map` of transformers does. @throws
 * {UserError} `data` when an alias contradicts the own key.
 */
function withOwnNames(json: unknown, path: string): unknown {
  if (typeof json !== "object" || json === null) return json;
  const config: Record<string, unknown> = { ...json };
  for (const [alias, own] of Object.entries(ALIASES)) {
    const value = config[alias];
    if (value === undefined) continue;
    config[own] ??= value;
    if (config[own] !== value) throw badKey(path, alias, `${own}, which is ${config[own]}`, value);
  }
  return config;
}

/** The notice for different dropout rates: our model has one. */
function dropoutNotes({ resid_pdrop, embd_pdrop, attn_pdrop }: Gpt2Config): string[] {
  if (resid_pdrop === embd_pdrop && resid_pdrop === attn_pdrop) return [];
  return [
    `Training has one dropout (model.dropout) and takes resid_pdrop, ${resid_pdrop}: embd_pdrop is ` +
    `${embd_pdrop}, attn_pdrop ${attn_pdrop}`,
  ];
}

/** @throws {UserError} `data` for options that our kernels do not implement. */
function requireKnown(config: Gpt2Config, path: string): void {
  const { activation_function: activation, layer_norm_epsilon: eps, n_inner: inner } = config;
  requireUnquantized(config.quantization_config, path);
  if (!GELU.includes(activation)) {
    throw badKey(path, "activation_function", GELU.join(" or "), activation);
  }
  if (eps !== EPS) throw badKey(path, "layer_norm_epsilon", String(EPS), eps);
  if (inner !== undefined && inner !== null && inner !== 4 * config.n_embd) {
    throw badKey(path, "n_inner", `4 x n_embd = ${4 * config.n_embd}`, inner);
  }
}

/** Whether the position table equals our sinusoids bitwise. */
function isSinusoidal({ params, context, model: { width } }: Portable<GptConfig>): boolean {
  const table = params.get("positions.weight");
  const waves = sinusoids(context, width);
  return table !== undefined && table.data.every((x, i) => Object.is(x, waves[i]));
}

/** The same model with computed sinusoidal positions. */
function withSinusoids(found: Portable<GptConfig>): Portable<GptConfig> {
  const params = new Map(found.params);
  params.delete("positions.weight");
  return { ...found, model: { ...found.model, positions: "sinusoidal" }, params };
}

/** GPT2LMHeadModel of transformers. */
export const GPT2_LAYOUT: ExportLayout<GptConfig> = {
  types: ["gpt2"],
  name: () => "GPT2LMHeadModel",
  config: gpt2ConfigOf,
  tensors: toGpt2,
  files: generationFiles,
  notes: ({ positions, mup_base_width: base }) => [
    ...positions === "sinusoidal"
      ? ["Its sinusoidal positions were written as a table of their values (wpe)"]
      : [],
    ...base === null
      ? []
      : ["Its width multipliers went into the last norm (ln_f) and the queries (c_attn)"],
  ],
  read: fromGpt2,
};
