/** Lists the keys of a config whose values differ from the defaults. */
import { modelSchema } from "../models/mod.ts";
import { optimSchema } from "../optim/mod.ts";
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

/** The defaults of a run, with those of its kinds of model and optimizer. */
function defaultsFor({ model, optim }: RunConfig): unknown {
  const defaults = resolveConfig({});
  return {
    ...defaults,
    model: { ...modelSchema.parse({ kind: model.kind }), kind: defaults.model.kind },
    optim: { ...optimSchema.parse({ kind: optim.kind }), kind: defaults.optim.kind },
  };
}
