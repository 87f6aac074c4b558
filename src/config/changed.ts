/** Lists the keys of a config whose values differ from the defaults. */
import type * as z from "zod";
import { show } from "./faults.ts";
import { flatten } from "./identity.ts";
import { resolveConfig } from "./resolve.ts";
import type { RunConfig } from "./schema.ts";
import { schemaOf } from "./user/user_schema.ts";

/** Each dotted key whose value is not its default, in command-line form: `optim.lr=0.003`. */
export function changedKeys(config: RunConfig): string[] {
  const preset = Object.fromEntries(flatten(defaultsFor(config), ""));
  return flatten(config, "")
    .filter(([path, value]) => JSON.stringify(value) !== JSON.stringify(preset[path]))
    .map(([path, value]) => `${path}=${typeof value === "string" ? value : show(value)}`);
}

/** The defaults of a run, with those of its kinds of model and optimizer, and of its source. */
function defaultsFor(config: RunConfig): unknown {
  const defaults = resolveConfig({});
  const { model, data, optim } = config;
  const { shape } = schemaOf(config);
  return {
    ...defaults,
    model: { ...presetOf(shape.model, { kind: model.kind }, model), kind: defaults.model.kind },
    data: { ...presetOf(shape.data, { source: data.source }, data), source: defaults.data.source },
    optim: { ...presetOf(shape.optim, { kind: optim.kind }, optim), kind: defaults.optim.kind },
  };
}

/** The defaults of a section; none where a module's keys have none. */
function presetOf(schema: z.ZodType, named: object, section: object): object {
  const { module, sha256 } = section as { module?: string; sha256?: string };
  // The header shows the module apart.
  const { data } = schema.safeParse({ ...named, ...module !== undefined && { module, sha256 } });
  return Object(data);
}
