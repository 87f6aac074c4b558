/** Changes the kind of a config's model. */
import { DEFAULT_KIND, MODELS } from "../models/mod.ts";
import { isPlain, type PlainConfig } from "./plain.ts";

/** The changed config, and the model keys that were dropped because the new kind lacks them. */
export interface Kinded {
  readonly config: PlainConfig;
  readonly dropped: readonly string[];
}

/** `config` with a model of `kind`; keys that both kinds have keep their values. */
export function withKind(
  config: PlainConfig,
  kind: string,
  models: Readonly<Record<string, { readonly schema: { readonly shape: object } }>> = MODELS,
): Kinded {
  const model = isPlain(config["model"]) ? config["model"] : {};
  const schema = Object.hasOwn(models, kind) ? models[kind]?.schema : undefined;
  // `resolveConfig` reports an unknown kind together with all other faults.
  if (schema === undefined || (model["kind"] ?? DEFAULT_KIND) === kind) {
    return { config, dropped: [] };
  }
  const dropped = Object.keys(model).filter((key) => !Object.hasOwn(schema.shape, key));
  const kept = Object.entries(model).filter(([key]) => !dropped.includes(key));
  return { config: { ...config, model: { ...Object.fromEntries(kept), kind } }, dropped };
}
