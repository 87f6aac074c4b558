/** The registry of export layouts, by kind of model and by `model_type` of config.json. */
import { UserError } from "../base/user_error.ts";
import type { ForeignFile } from "../checkpoint/tensors/foreign.ts";
import type { NamedTensor } from "../checkpoint/tensors/tensor.ts";
import type { ModelConfig } from "../models/mod.ts";
import { fromGpt2, gpt2ConfigOf, toGpt2 } from "./gpt2.ts";
import { fromTorch, torchConfigOf, toTorch } from "./recurrent.ts";
import type { Portable, Sizes } from "./types.ts";

/** File names of an exported folder. */
export const FILES = {
  config: "config.json",
  weights: "model.safetensors",
  /** Our own tokenizer spec, which restores it exactly. */
  tokenizer: "tokenizer.shoal.json",
} as const;

/** Layout of one kind of model. */
interface Layout<M extends ModelConfig> {
  /** `model_type` of its config.json. */
  readonly type: string;
  /** Writes config.json; `end`: end-of-document token. */
  readonly config: (sizes: Sizes<M>, end: number | undefined) => Readonly<Record<string, unknown>>;
  readonly tensors: (portable: Portable<M>) => readonly NamedTensor[];
  readonly read: (
    json: unknown,
    file: Pick<ForeignFile, "tensors" | "others">,
    paths: { readonly config: string; readonly weights: string },
  ) => Portable<M>;
}

/** Layouts by kind of model. */
const LAYOUTS: { readonly [K in ModelConfig["kind"]]?: Layout<ModelConfig & { kind: K }> } = {
  gpt: { type: "gpt2", config: gpt2ConfigOf, tensors: toGpt2, read: fromGpt2 },
  recurrent: {
    type: "shoal_recurrent",
    config: torchConfigOf,
    tensors: toTorch,
    read: fromTorch,
  },
};

/** A model in an export layout. */
export interface Outgoing {
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: readonly NamedTensor[];
}

/**
 * Converts a model to the layout of its kind; `end`: end-of-document token.
 * @throws {UserError} `config` for a model without a layout.
 */
export function outgoing(portable: Portable, end: number | undefined): Outgoing {
  const { kind } = portable.model;
  // The table pairs each kind with its own config; the checker cannot follow the pairing.
  const layout = LAYOUTS[kind] as Layout<ModelConfig> | undefined;
  if (layout === undefined) {
    const known = Object.keys(LAYOUTS).join(" or ");
    throw new UserError("config", `Cannot export a model of kind ${kind}: need ${known}`);
  }
  return { config: layout.config(portable, end), tensors: layout.tensors(portable) };
}

/**
 * Reads the model of an exported folder. @throws {UserError} `data` for an unsupported or damaged
 * one.
 */
export function incoming(
  json: unknown,
  file: Pick<ForeignFile, "tensors" | "others">,
  paths: { readonly config: string; readonly weights: string },
): Portable {
  const said = typeof json === "object" && json !== null && "model_type" in json
    ? json.model_type
    : undefined;
  const layout = Object.values(LAYOUTS).find(({ type }) => type === said);
  if (layout !== undefined) return layout.read(json, file, paths);
  throw new UserError(
    "data",
    `Cannot import ${paths.config}: model_type: need gpt2 or shoal_recurrent: ` +
      (said === undefined ? "it says none" : JSON.stringify(said)),
  );
}
