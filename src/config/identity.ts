/**
 * The config keys that determine the numbers of a run (math keys), their hash and their
 * differences. Two runs with equal math keys compute the same numbers.
 */
import { canonical, hashValue } from "../base/hash.ts";
import { show } from "./faults.ts";
import { keys } from "./keys.ts";
import { isPlain } from "./plain.ts";
import { firstName } from "./renamed.ts";
import type { RunConfig } from "./schema.ts";

/** Keys that a resumed run may change: they affect duration, placement and output, not the math. */
const FREE: readonly string[] = [
  "steps",
  "workers",
  "device",
  "gpus",
  "out",
  "name",
  // Modules are compared by their SHA-256 instead.
  "model.module",
  "data.module",
  "optim.module",
  // The data and initial parameters are compared by hash instead, since their paths may change.
  "data.path",
  "data.mix",
  "data.max_unknown",
  "init",
];
const FREE_SECTIONS: readonly string[] = [
  "eval",
  "exchange",
  "checkpoint",
  "guard",
  "recovery",
  "report",
];

/**
 * Math keys that were added after configs had been hashed, and the default of each. A key with this
 * value is not hashed, so that configs, checkpoints and trials from before the key keep their hash.
 * A default in this table must never change, and a key must never leave it.
 */
export const LATER_KEYS: Readonly<Record<string, unknown>> = {
  "optim.groups": [],
  "model.kv_heads": null,
  "model.attention_window": null,
  "model.rotary_theta": 10000,
  "data.mask_share": 0.15,
  "data.image_height": 28,
  "data.image_width": 28,
  "data.image_classes": 10,
};

/** Whether a dotted key may differ between a checkpoint and the run that resumes it. */
export function changeable(key: string): boolean {
  return FREE.includes(key) || [...FREE_SECTIONS, ...FREE].some((s) => key.startsWith(s + "."));
}

/** Every dotted key that determines the numbers of a run. */
export const MATH_KEYS: readonly string[] = keys().map(({ path }) => path)
  .filter((path) => !changeable(path));

/** SHA-256 (hex) over the math keys of a config, under their first names, and their values. */
export function configHash(config: RunConfig): string {
  return hashValue(hashedValues(config));
}

/**
 * The input of {@linkcode configHash}: math keys under their first names, and their values. Keys of
 * `later` are left out where they have their default.
 */
export function hashedValues(
  config: RunConfig,
  later: Readonly<Record<string, unknown>> = LATER_KEYS,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(mathValues(config))
      .filter(([path, value]) => !Object.hasOwn(later, path) || !areEqual(value, later[path]))
      .map(([path, value]) => [firstName(path), value]),
  );
}

/** The math keys in which two configs differ, each as `optim.lr: 0.003 against 0.001`. */
export function configDifferences(a: RunConfig, b: RunConfig): string[] {
  const left = mathValues(a);
  const right = mathValues(b);
  const paths = Array.from(new Set([...Object.keys(left), ...Object.keys(right)]));
  return paths.filter((path) => !areEqual(left[path], right[path]))
    .map((path) => `${path}: ${show(left[path])} against ${show(right[path])}`);
}

function areEqual(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

/** The math keys of a config, dotted, and their values. */
export function mathValues(config: RunConfig): Record<string, unknown> {
  return Object.fromEntries(flatten(config, "").filter(([path]) => !changeable(path)));
}

/** The leaves of a config below `path`, dotted, and their values. */
export function flatten(value: unknown, path: string): [string, unknown][] {
  if (!isPlain(value)) return [[path, value]];
  return Object.entries(value).flatMap(([name, inner]) =>
    flatten(inner, path === "" ? name : `${path}.${name}`)
  );
}
