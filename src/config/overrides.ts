/** Applies `key=value` overrides from the command line to a config. */
import { parseJsonText } from "../base/text/json.ts";
import { UserError } from "../base/user_error.ts";
import { type BasicType, type ConfigKey, keys } from "./keys.ts";
import { KIND_OF, kindKey, kindSections, withDeviceObject, withKind } from "./kinds.ts";
import { isPlain, type PlainConfig } from "./plain.ts";
import { hintFor } from "./suggest.ts";
import { schemaOf } from "./user/user_schema.ts";

export { isPlain, type PlainConfig } from "./plain.ts";

/**
 * A copy of `input` with the values of `overrides`, coerced to the types of their dotted keys (`-`
 * and `_` are equivalent; `device` is `device.kind`). A text that cannot be coerced stays a string,
 * so that `resolveConfig` reports it with all other faults. If a kind changes, keys of `input` that
 * the new kind lacks are dropped, and `notify` is called. @throws {UserError} `config`, for all
 * unknown keys at once.
 */
export function applyOverrides(
  input: PlainConfig,
  overrides: Readonly<Record<string, string>>,
  notify: (note: string) => void = () => {},
): PlainConfig {
  const known = new Map(keys(schemaOf(input)).map((key) => [key.path, key]));
  const faults: string[] = [];
  let config = withDeviceObject(input);
  for (const section of kindSections()) {
    const kind = overrides[`${section}.kind`] ?? overrides[`${section}-kind`];
    if (kind === undefined) continue;
    const kinded = withKind(config, { section, kind });
    config = kinded.config;
    if (kinded.dropped.length > 0) {
      const names = kinded.dropped.join(", ");
      notify(`Left out ${names}: ${KIND_OF[section]} of kind ${kind} has no such key`);
    }
  }
  for (const [given, text] of Object.entries(overrides)) {
    const path = kindKey(given.replaceAll("-", "_"));
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

/** `config` with `key` set to the value of `text`, or an error text. */
function set(config: PlainConfig, { path, types }: ConfigKey, text: string): PlainConfig | string {
  return assignValue(config, path.split("."), coerce(text, types)) ??
    `Cannot set "${path}": need an object around it: the config has another value there`;
}

/** `text` as a value of one of `types`, else unchanged. Lists and tables are parsed as JSON. */
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

/** A copy of `config` with `value` at `path`; undefined if a parent of the path is no object. */
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
