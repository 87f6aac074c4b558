/** What becomes of a config's model when it is made one of another kind. Pure. */
import { MODELS } from "../models/mod.ts";
import { isPlain, type PlainConfig } from "./plain.ts";

/** A config with the kind, and the keys of its model that this kind lacks: they are left out. */
export interface Kinded {
  readonly config: PlainConfig;
  readonly dropped: readonly string[];
}

/** `config` with a model of `kind`, which keeps the sizes that both kinds have. */
export function withKind(
  config: PlainConfig,
  kind: string,
  models: Readonly<Record<string, { readonly schema: { readonly shape: object } }>> = MODELS,
): Kinded {
  const model = isPlain(config["model"]) ? config["model"] : {};
  const schema = Object.hasOwn(models, kind) ? models[kind]?.schema : undefined;
  // Who names a kind that there is not is told so with all other faults.
  if (schema === undefined || (model["kind"] ?? "gpt") === kind) return { config, dropped: [] };
  const dropped = Object.keys(model).filter((key) => !Object.hasOwn(schema.shape, key));
  const kept = Object.entries(model).filter(([key]) => !dropped.includes(key));
  return { config: { ...config, model: { ...Object.fromEntries(kept), kind } }, dropped };
}
