/** What a config says that the defaults do not. Pure. */
import { modelSchema } from "../models/mod.ts";
import { show } from "./faults.ts";
import { flatten } from "./identity.ts";
import { resolveConfig } from "./resolve.ts";
import type { RunConfig } from "./schema.ts";

/** Each dotted key whose value is not its default, as a command line says it: `optim.lr=0.003`. */
export function changedKeys(config: RunConfig): string[] {
  const preset = Object.fromEntries(flatten(defaultsFor(config), ""));
  return flatten(config, "")
    .filter(([path, value]) => JSON.stringify(value) !== JSON.stringify(preset[path]))
    .map(([path, value]) => `${path}=${typeof value === "string" ? value : show(value)}`);
}

/** The defaults of a run of this kind of model. */
function defaultsFor({ model: { kind } }: RunConfig): RunConfig {
  return { ...resolveConfig({}), model: modelSchema.parse({ kind }) };
}
