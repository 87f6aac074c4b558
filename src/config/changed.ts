/** Lists the keys of a config whose values differ from the defaults. */
import { modelSchema } from "../models/mod.ts";
import { show } from "./faults.ts";
import { flatten } from "./identity.ts";
import { resolveConfig } from "./resolve.ts";
import type { RunConfig } from "./schema.ts";

/** Each dotted key whose value is not its default, in command-line form: `optim.lr=0.003`. */
export function changedKeys(config: RunConfig): string[] {
  const preset = Object.fromEntries(flatten(defaultsFor(config), ""));
  return flatten(config, "")
    .filter(([path, value]) => JSON.stringify(value) !== JSON.stringify(preset[path]))
    .map(([path, value]) => `${path}=${typeof value === "string" ? value : show(value)}`);
}

/** The defaults of a run, with the default sizes of its kind of model. */
function defaultsFor({ model: { kind } }: RunConfig): unknown {
  const defaults = resolveConfig({});
  return { ...defaults, model: { ...modelSchema.parse({ kind }), kind: defaults.model.kind } };
}
