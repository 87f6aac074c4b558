/** The table of layouts: which one a model goes out in, and which one a config.json speaks of. */
import { UserError } from "../base/user_error.ts";
import type { ForeignFile } from "../checkpoint/tensors/foreign.ts";
import type { NamedTensor } from "../checkpoint/tensors/tensor.ts";
import type { ModelConfig } from "../models/mod.ts";
import { fromGpt2, gpt2ConfigOf, toGpt2 } from "./gpt2.ts";
import { fromTorch, torchConfigOf, toTorch } from "./recurrent.ts";
import type { Portable, Sizes } from "./types.ts";

/** Names of the files of an exported folder. */
export const FILES = {
  config: "config.json",
  weights: "model.safetensors",
  /** The tokenizer as a plain value of ours, so that it comes back as it was. */
  tokenizer: "tokenizer.shoal.json",
} as const;

/** How models of one kind stand in a folder. */
interface Layout<M extends ModelConfig> {
  /** `model_type` of its config.json. */
  readonly type: string;
  /** config.json; `end` is the token that ends documents. */
  readonly config: (sizes: Sizes<M>, end: number | undefined) => Readonly<Record<string, unknown>>;
  readonly tensors: (portable: Portable<M>) => readonly NamedTensor[];
  readonly read: (
    json: unknown,
    file: Pick<ForeignFile, "tensors" | "others">,
    paths: { readonly config: string; readonly weights: string },
  ) => Portable<M>;
}

/** Every layout by the kind of model that it holds. */
const LAYOUTS: { readonly [K in ModelConfig["kind"]]?: Layout<ModelConfig & { kind: K }> } = {
  gpt: { type: "gpt2", config: gpt2ConfigOf, tensors: toGpt2, read: fromGpt2 },
  recurrent: {
    type: "shoal_recurrent",
    config: torchConfigOf,
    tensors: toTorch,
    read: fromTorch,
  },
};

/** A model as others read it. */
export interface Outgoing {
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: readonly NamedTensor[];
}

/**
 * A model in the layout of its kind; `end` is the token that ends documents.
 * @throws {UserError} `config` for one that no layout can hold.
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

/** The model of an exported folder. @throws {UserError} `data` for what is not one that we have. */
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
