/** Converts models to the export layouts of their kinds and back. */
import { UserError } from "../base/user_error.ts";
import type { ForeignFile } from "../checkpoint/tensors/foreign.ts";
import type { WeightType } from "../checkpoint/tensors/narrow.ts";
import type { NamedTensor } from "../checkpoint/tensors/tensor.ts";
import type { ExportLayout, Portable } from "../exchange/types.ts";
import { type ModelConfig, modelOf, MODELS } from "../models/mod.ts";

/** File names of an exported folder. */
export const FILES = {
  config: "config.json",
  weights: "model.safetensors",
  /** Our own tokenizer spec, which restores it exactly. */
  tokenizer: "tokenizer.shoal.json",
} as const;

/** A model in an export layout. */
export interface Outgoing {
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: readonly NamedTensor[];
  /** Further files by name: texts, and values that become JSON. */
  readonly files: Readonly<Record<string, unknown>>;
}

/** The layout of a model. @throws {UserError} `config` for a kind without one. */
export function exportLayoutOf(model: ModelConfig): ExportLayout<ModelConfig> {
  const { kind, exchange } = modelOf(model);
  if (exchange !== undefined) return exchange as unknown as ExportLayout<ModelConfig>;
  const known = layouts().map(([kind]) => kind).join(" or ");
  throw new UserError("config", `Cannot export a model of kind ${kind}: need ${known}`);
}

/** PyTorch's names of the types of weights. */
const TORCH_TYPES: Readonly<Record<WeightType, string>> = {
  f32: "float32",
  f16: "float16",
  bf16: "bfloat16",
};

/**
 * Converts a model to the layout of its kind; `end`: end-of-document token, `type`: of the weights.
 * @throws {UserError} `config` for a model without a layout.
 */
export function outgoing(
  portable: Portable<ModelConfig>,
  { end, type }: { readonly end: number | undefined; readonly type: WeightType },
): Outgoing {
  const layout = exportLayoutOf(portable.model);
  const config = layout.config(portable, end);
  return {
    config: "dtype" in config ? { ...config, dtype: TORCH_TYPES[type] } : config,
    tensors: layout.tensors(portable),
    files: layout.files(end),
  };
}

/**
 * Reads the model of an exported folder. @throws {UserError} `data` for an unsupported or damaged
 * one.
 */
export function incoming(
  json: unknown,
  file: Pick<ForeignFile, "tensors" | "others">,
  paths: { readonly config: string; readonly weights: string },
): Portable<ModelConfig> {
  const modelType = typeof json === "object" && json !== null && "model_type" in json
    ? json.model_type
    : undefined;
  const known = layouts().map(([, layout]) => layout);
  const layout = known.find(({ types }) => types.some((type) => type === modelType));
  if (layout !== undefined) return layout.read(json, file, paths);
  throw new UserError(
    "data",
    `Cannot import ${paths.config}: model_type: need ${
      known.flatMap(({ types }) => types).join(" or ")
    }: ` +
      (modelType === undefined ? "it says none" : JSON.stringify(modelType)),
  );
}

/** Every export layout, with the kind of its models. */
function layouts(): (readonly [kind: string, layout: ExportLayout<ModelConfig>])[] {
  return Object.values(MODELS).flatMap(({ kind, exchange }) =>
    exchange === undefined
      ? []
      : [[kind, exchange as unknown as ExportLayout<ModelConfig>] as const]
  );
}
