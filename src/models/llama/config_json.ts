/** config.json of LlamaForCausalLM, MistralForCausalLM and Qwen3ForCausalLM, and back. */
import * as z from "zod";
import { badKey, requireUnquantized } from "../../exchange/hugging_face.ts";
import { parsed } from "../../exchange/parsed.ts";
import type { Sizes } from "../../exchange/types.ts";
import { type LlamaConfig, mlpWidthOf, type RotaryScalingConfig } from "./schema.ts";

const size = z.int().min(1).max(2 ** 31);
const factor = z.number().gt(0);
/** Bounds the layers, because their tensors are looked up one by one. */
const layers = z.int().min(1).max(2 ** 12);

/** Scaling of rotary positions, and their base in newer files. `type` is the older `rope_type`. */
const rope = z.looseObject({
  rope_type: z.string().optional(),
  type: z.string().optional(),
  rope_theta: z.number().gt(1).optional(),
  factor: factor.optional(),
  low_freq_factor: factor.optional(),
  high_freq_factor: factor.optional(),
  original_max_position_embeddings: size.optional(),
  beta_fast: factor.nullish(),
  beta_slow: factor.nullish(),
  attention_factor: factor.nullish(),
});

/** The keys that decoders with Llama's attention share; unlisted keys do not affect the logits. */
export const llamaJsonKeys = {
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: layers,
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  max_position_embeddings: size,
  hidden_act: z.string().default("silu"),
  rms_norm_eps: z.number().gt(0).default(1e-6),
  attention_dropout: z.number().min(0).lt(1).default(0),
  tie_word_embeddings: z.boolean().optional(),
  rope_theta: z.number().gt(1).optional(),
  rope_scaling: rope.nullish(),
  rope_parameters: rope.nullish(),
  sliding_window: size.nullish(),
  quantization_config: z.record(z.string(), z.unknown()).nullish(),
} as const;

/** transformers' configs of the three classes. */
const schema = z.looseObject({
  model_type: z.enum(["llama", "mistral", "qwen3"]),
  ...llamaJsonKeys,
  attention_bias: z.literal(false).default(false),
  mlp_bias: z.literal(false).default(false),
  use_sliding_window: z.boolean().optional(),
  layer_types: z.array(z.string()).nullish(),
});

/** A config.json of the three classes. */
type LlamaJson = z.infer<typeof schema>;

/** The keys that decoders with Llama's attention share. */
export type SharedJson = Pick<LlamaJson, keyof typeof llamaJsonKeys>;

/** The class that computes a model: only Qwen3 has norms of heads, only Mistral a window. */
export function classOf(
  { qk_norm, attention_window: window }: LlamaConfig,
): { readonly type: LlamaJson["model_type"]; readonly name: string } {
  if (qk_norm) return { type: "qwen3", name: "Qwen3ForCausalLM" };
  if (window !== null) return { type: "mistral", name: "MistralForCausalLM" };
  return { type: "llama", name: "LlamaForCausalLM" };
}

/** The keys that decoders with Llama's attention share; `end`: end-of-document token. */
export function sharedJsonOf(
  { model, context, vocabulary }: Sizes<Omit<LlamaConfig, "kind">>,
  end: number | undefined,
): Record<string, unknown> {
  const { layers, width, heads, kv_heads, head_width, attention_window: window } = model;
  return {
    vocab_size: vocabulary,
    max_position_embeddings: context,
    hidden_size: width,
    intermediate_size: mlpWidthOf(model),
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kv_heads ?? heads,
    head_dim: head_width ?? width / heads,
    hidden_act: "silu",
    rms_norm_eps: model.norm_eps,
    rope_theta: model.rotary_theta,
    rope_scaling: model.rotary_scaling === null ? null : ropeOf(model.rotary_scaling),
    sliding_window: window,
    attention_dropout: model.dropout,
    bos_token_id: end ?? null,
    eos_token_id: end ?? null,
    tie_word_embeddings: model.tie_embeddings,
    dtype: "float32",
  };
}

/** The config.json; `end`: end-of-document token. */
export function llamaJsonOf(
  sizes: Sizes<LlamaConfig>,
  end: number | undefined,
): Record<string, unknown> {
  const { model } = sizes;
  const { type, name } = classOf(model);
  const isWindowed = model.attention_window !== null;
  return {
    architectures: [name],
    model_type: type,
    ...sharedJsonOf(sizes, end),
    attention_bias: false,
    ...type === "llama" && { mlp_bias: false },
    ...type === "qwen3" && {
      use_sliding_window: isWindowed,
      max_window_layers: 0,
      layer_types: Array.from(
        { length: model.layers },
        () => isWindowed ? "sliding_attention" : "full_attention",
      ),
    },
  };
}

function ropeOf(scaling: RotaryScalingConfig): Record<string, unknown> {
  const { kind, factor } = scaling;
  if (scaling.kind === "linear") return { rope_type: kind, factor };
  const original = { original_max_position_embeddings: scaling.context };
  if (scaling.kind === "llama3") {
    const { low_freq_factor, high_freq_factor } = scaling;
    return { rope_type: kind, factor, low_freq_factor, high_freq_factor, ...original };
  }
  const { beta_fast, beta_slow, attention_factor: own } = scaling;
  const attention = own === null ? {} : { attention_factor: own };
  return { rope_type: kind, factor, ...original, beta_fast, beta_slow, ...attention };
}

/** Reads a config.json of the three classes. @throws {UserError} `data` for what we cannot compute. */
export function readLlamaJson(
  json: unknown,
  path: string,
): SharedJson & { readonly qk_norm: boolean; readonly window: number | null } {
  const config = parsed(schema, json, path);
  requireSharedJson(config, path);
  const { model_type: type, layer_types: types, use_sliding_window: slides } = config;
  const kinds = new Set(types ?? []);
  if (type === "qwen3" && slides === true && (kinds.size !== 1 || kinds.has("full_attention"))) {
    throw badKey(path, "layer_types", "sliding_attention in all layers, or in none", types);
  }
  const isWindowed = type === "mistral" || (type === "qwen3" && slides === true);
  const window = isWindowed ? config.sliding_window ?? null : null;
  return { ...config, qk_norm: type === "qwen3", window };
}

/** @throws {UserError} `data` for an activation or weights that our kernels do not have. */
export function requireSharedJson(config: SharedJson, path: string): void {
  requireUnquantized(config.quantization_config, path);
  const { hidden_act: activation } = config;
  if (activation !== "silu") throw badKey(path, "hidden_act", "silu", activation);
}

/** The keys of our config that decoders with Llama's attention share, without `kind`. */
export function sharedModelOf(config: SharedJson, path: string): Record<string, unknown> {
  const { hidden_size: width, num_attention_heads: heads, intermediate_size: inner } = config;
  const { num_key_value_heads: shared, head_dim: columns, rms_norm_eps: norm_eps } = config;
  const { theta, scaling } = rotaryOf(config, path);
  return {
    layers: config.num_hidden_layers,
    width,
    heads,
    kv_heads: shared === heads ? null : shared ?? null,
    head_width: columns === width / heads ? null : columns ?? null,
    mlp_width: inner === mlpWidthOf({ width, mlp_width: null }) ? null : inner,
    dropout: config.attention_dropout,
    rotary_theta: theta,
    rotary_scaling: scaling,
    norm_eps,
  };
}

/** Base and scaling of the rotary positions, from older and newer keys. */
function rotaryOf(
  { rope_theta, rope_scaling, rope_parameters }: SharedJson,
  path: string,
): { theta: number; scaling: RotaryScalingConfig | null } {
  const found = rope_parameters ?? rope_scaling ?? {};
  const key = rope_parameters ? "rope_parameters" : "rope_scaling";
  const theta = found.rope_theta ?? rope_theta ?? 10000;
  const kind = found.rope_type ?? found.type ?? "default";
  if (kind === "default") return { theta, scaling: null };
  const need = <T>(name: keyof typeof found, value: T | null | undefined): T => {
    if (value !== undefined && value !== null) return value;
    throw badKey(path, `${key}.${String(name)}`, `a number for rope_type ${kind}`, value);
  };
  const factor = () => need("factor", found.factor);
  const context = () =>
    need("original_max_position_embeddings", found.original_max_position_embeddings);
  switch (kind) {
    case "linear":
      return { theta, scaling: { kind, factor: factor() } };
    case "llama3": {
      const low_freq_factor = need("low_freq_factor", found.low_freq_factor);
      const high_freq_factor = need("high_freq_factor", found.high_freq_factor);
      return {
        theta,
        scaling: { kind, factor: factor(), low_freq_factor, high_freq_factor, context: context() },
      };
    }
    case "yarn": {
      if (found["mscale"] || found["mscale_all_dim"]) {
        throw badKey(path, `${key}.mscale`, "none", found["mscale"] ?? found["mscale_all_dim"]);
      }
      const attention_factor = found.attention_factor ?? null;
      const [beta_fast, beta_slow] = [found.beta_fast ?? 32, found.beta_slow ?? 1];
      return {
        theta,
        scaling: {
          kind,
          factor: factor(),
          context: context(),
          beta_fast,
          beta_slow,
          attention_factor,
        },
      };
    }
    default:
      throw badKey(path, `${key}.rope_type`, "default, linear, llama3 or yarn", kind);
  }
}
