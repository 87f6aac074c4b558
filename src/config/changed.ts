/** Lists the keys of a config whose values differ from the defaults. */
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

/** The defaults of a run, with those of its kind of model and of its source. */
function defaultsFor(config: RunConfig): unknown {
  const defaults = resolveConfig({});
  const own = resolveConfig({
    model: { kind: config.model.kind, ...moduleKeysOf(config.model) },
    data: { source: config.data.source, ...moduleKeysOf(config.data) },
  });
  return {
    ...defaults,
    model: { ...own.model, kind: defaults.model.kind },
    data: { ...own.data, source: defaults.data.source },
  };
}

/** The module of a section and its hash, which the header shows apart. */
function moduleKeysOf(section: object): object {
  const { module, sha256 } = section as { module?: string; sha256?: string };
  return module === undefined ? {} : { module, sha256 };
}
