/** Changes the kind of a config's model or optimizer. */
import { MODELS } from "../models/mod.ts";
import { OPTIMIZERS } from "../optim/mod.ts";
import { isPlain, type PlainConfig } from "./plain.ts";
import { DEFAULT_KINDS } from "./schema.ts";

/** A section of a config whose keys depend on its kind. */
export type KindSection = keyof typeof DEFAULT_KINDS;

/** The schemas of a section's kinds. */
export type Kinds = Readonly<Record<string, { readonly schema: { readonly shape: object } }>>;

/** The changed config, and the keys that were dropped because the new kind lacks them. */
export interface Kinded {
  readonly config: PlainConfig;
  /** Dotted. */
  readonly dropped: readonly string[];
}

/** What a kind is of, by section. */
export const KIND_OF: Readonly<Record<KindSection, string>> = {
  model: "a model",
  optim: "an optimizer",
};

const KINDS: Readonly<Record<KindSection, Kinds>> = { model: MODELS, optim: OPTIMIZERS };

/** The section whose kind alone may stand for it: `"device": "cpu"`, `--device=cpu`. */
const SHORT = "device";

/** `config` with a section of `kind`; keys that both kinds have keep their values. */
export function withKind(
  config: PlainConfig,
  { section, kind }: { readonly section: KindSection; readonly kind: string },
  kinds: Kinds = KINDS[section],
): Kinded {
  const before = isPlain(config[section]) ? config[section] : {};
  const schema = Object.hasOwn(kinds, kind) ? kinds[kind]?.schema : undefined;
  // `resolveConfig` reports an unknown kind together with all other faults.
  if (schema === undefined || (before["kind"] ?? DEFAULT_KINDS[section]) === kind) {
    return { config, dropped: [] };
  }
  const dropped = Object.keys(before).filter((key) => !Object.hasOwn(schema.shape, key));
  const kept = Object.entries(before).filter(([key]) => !dropped.includes(key));
  return {
    config: { ...config, [section]: { ...Object.fromEntries(kept), kind } },
    dropped: dropped.map((key) => `${section}.${key}`),
  };
}

/** A config whose device is an object, where it is given by its kind alone. */
export function withDeviceObject(config: PlainConfig): PlainConfig {
  const kind = config[SHORT];
  return typeof kind === "string" ? { ...config, [SHORT]: { kind } } : config;
}

/** The dotted key that a path of a command line stands for: `device` is `device.kind`. */
export function kindKey(path: string): string {
  return path === SHORT ? `${path}.kind` : path;
}

/** The sections that have kinds. */
export function kindSections(): readonly KindSection[] {
  return Object.keys(DEFAULT_KINDS) as KindSection[];
}
