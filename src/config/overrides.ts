/** Puts values from the command line into a config. Pure: knows no files and no flags' syntax. */
import { parseJsonText } from "../base/text/json.ts";
import { UserError } from "../base/user_error.ts";
import { type BasicType, type ConfigKey, keys } from "./keys.ts";
import { withKind } from "./kinds.ts";
import { isPlain, type PlainConfig } from "./plain.ts";
import { hintFor } from "./suggest.ts";

export { isPlain, type PlainConfig } from "./plain.ts";

/**
 * A copy of `input` in which each dotted key (`-` is as good as `_`) of `overrides` has its value,
 * coerced to the key's type; what is not of it stays text, for `resolveConfig` to list with all
 * other faults. Of a model that becomes one of another kind, keys of `input` that this kind lacks
 * are left out, which `say` is told. Refuses unknown keys, all in one line.
 */
export function applyOverrides(
  input: PlainConfig,
  overrides: Readonly<Record<string, string>>,
  say: (note: string) => void = () => {},
): PlainConfig {
  const known = new Map(keys().map((key) => [key.path, key]));
  const faults: string[] = [];
  let config = input;
  const kind = overrides["model.kind"] ?? overrides["model-kind"];
  if (kind !== undefined) {
    const kinded = withKind(input, kind);
    config = kinded.config;
    const names = kinded.dropped.map((name) => `model.${name}`);
    if (names.length > 0) {
      say(`Left out ${names.join(", ")}: a model of kind ${kind} has no such key`);
    }
  }
  for (const [given, text] of Object.entries(overrides)) {
    const path = given.replaceAll("-", "_");
    const key = known.get(path);
    const next = key === undefined
      ? `Unknown key "${given}": ${hintFor(path, Array.from(known.keys()))}`
      : set(config, key, text);
    if (typeof next === "string") faults.push(next);
    else config = next;
  }
  if (faults.length > 0) throw new UserError("config", faults.join("; "));
  return config;
}

/** `config` with `key` set to what `text` says, or the reason why not. */
function set(config: PlainConfig, { path, types }: ConfigKey, text: string): PlainConfig | string {
  return assignValue(config, path.split("."), coerce(text, types)) ??
    `Cannot set "${path}": need an object around it: the config has another value there`;
}

/** `text` as a value of one of `types`, or as it is. Lists and tables are written as JSON. */
function coerce(text: string, types: readonly BasicType[]): unknown {
  if (types.includes("null") && text === "null") return null;
  if (types.includes("boolean") && (text === "true" || text === "false")) return text === "true";
  if (types.includes("integer") || types.includes("number")) {
    const number = Number(text);
    if (text.trim() !== "" && Number.isFinite(number)) return number;
  }
  return types.includes("array") || types.includes("object") ? parsed(text) : text;
}

function parsed(text: string): unknown {
  try {
    return parseJsonText(text);
  } catch {
    return text;
  }
}

/** A copy of `config` with `value` at `path`, or undefined where something else is in the way. */
export function assignValue(
  config: PlainConfig,
  path: readonly string[],
  value: unknown,
): PlainConfig | undefined {
  const [head, ...rest] = path;
  if (head === undefined) return config;
  if (rest.length === 0) return { ...config, [head]: value };
  const section = config[head] ?? {};
  if (!isPlain(section)) return undefined;
  const inner = assignValue(section, rest, value);
  return inner && { ...config, [head]: inner };
}
