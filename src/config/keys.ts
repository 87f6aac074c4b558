/** Flattens a schema, by way of its JSON Schema, to the list of config keys that it accepts. */
import * as z from "zod";
import { runSchema } from "./schema.ts";

/** One leaf of a config. */
export interface ConfigKey {
  /** Dotted path, as `optim.lr`. */
  readonly path: string;
  /** Its basic types: a value of any of them is well typed. */
  readonly types: readonly BasicType[];
  /** Human-readable constraint on a value: `number > 0`, `char | byte`. */
  readonly need: string;
  readonly default: unknown;
  /** Its meaning, with the unit. */
  readonly description: string;
}

/** Basic type of a leaf. */
export type BasicType = "integer" | "number" | "boolean" | "string" | "null" | "array" | "object";

/** A JSON Schema. */
export type Json = z.core.JSONSchema.BaseSchema;

/** Every leaf of a schema, in schema order. */
export function keys(schema: z.ZodType = runSchema): ConfigKey[] {
  return keysOf(z.toJSONSchema(schema, { io: "input" }));
}

/**
 * As {@linkcode keys}, for a JSON Schema. Keys that occur in several options of a union are merged,
 * with the description and default of the first option.
 */
export function keysOf(schema: Json): ConfigKey[] {
  return Array.from(leaves(schema, { path: "" }).values());
}

/** A key's default in command-line form; undefined if it has none. */
export function showDefault({ default: value }: ConfigKey): string | undefined {
  if (value === undefined) return undefined;
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}

/** The path of every section, as `optim`. */
export function sections(all: readonly ConfigKey[]): string[] {
  return Array.from(
    new Set(all.flatMap(({ path }) => {
      const parts = path.split(".");
      return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join("."));
    })),
  );
}

/** Path of a node, and its default from the default value of the enclosing section. */
interface NodeContext {
  readonly path: string;
  readonly preset?: unknown;
}

function leaves(node: Json, context: NodeContext): Map<string, ConfigKey> {
  const options = alternatives(node);
  if (options.every(({ properties }) => properties === undefined)) {
    return new Map([[context.path, leaf(node, context)]]);
  }
  const presets = new Map(Object.entries(Object(node.default ?? {})));
  const found = new Map<string, ConfigKey>();
  for (const option of options) {
    for (const [name, child] of Object.entries(option.properties ?? {})) {
      const path = context.path === "" ? name : `${context.path}.${name}`;
      const inner = leaves(asObject(child), { path, preset: presets.get(name) });
      for (const [at, key] of inner) found.set(at, merge(found.get(at), key));
    }
  }
  return found;
}

function alternatives(node: Json): Json[] {
  const options = node.oneOf ?? node.anyOf;
  return options === undefined ? [node] : options.map(asObject);
}

/** Alternatives within alternatives, as those of a union that may be null, side by side. */
function flattened(node: Json): Json[] {
  const options = alternatives(node);
  return options.length === 1 ? options : options.flatMap(flattened);
}

/** JSON Schema allows a bare `true` for "anything"; an empty object is equivalent. */
function asObject(node: Json | boolean): Json {
  return typeof node === "boolean" ? {} : node;
}

function merge(known: ConfigKey | undefined, key: ConfigKey): ConfigKey {
  if (known === undefined) return key;
  const both = (a: readonly string[], b: readonly string[]) => Array.from(new Set([...a, ...b]));
  return {
    ...known,
    types: Array.from(new Set([...known.types, ...key.types])),
    need: both(known.need.split(" | "), key.need.split(" | ")).join(" | "),
  };
}

function leaf(node: Json, { path, preset }: NodeContext): ConfigKey {
  const options = flattened(node);
  return {
    path,
    types: options.flatMap(typesOf),
    need: options.map(needOf).join(" | "),
    default: node.default === undefined ? preset : node.default,
    description: node.description ?? "",
  };
}

function typesOf({ type }: Json): BasicType[] {
  const known: readonly string[] = [
    "integer",
    "number",
    "boolean",
    "string",
    "null",
    "array",
    "object",
  ];
  const isBasic = (name: string): name is BasicType => known.includes(name);
  return [type ?? []].flat().filter(isBasic);
}

function needOf(node: Json): string {
  const choices = node.enum ?? (node.const === undefined ? undefined : [node.const]);
  if (choices !== undefined) return choices.map(String).join(" | ");
  const options = flattened(node);
  if (options.length > 1) return options.map(needOf).join(" | ");
  return typesOf(node).map((type) => {
    if (type === "integer" || type === "number") return type + rangeOf(node);
    if (type === "array") return `list of (${needOf(asObject(onlyItem(node)))})`;
    if (type !== "object") return type;
    return node.properties === undefined
      ? `table of (${needOf(asObject(valuesOf(node)))})`
      : fieldsOf(node);
  }).join(" | ");
}

/** The fields of an object, optional ones with a question mark. */
function fieldsOf({ properties = {}, required = [] }: Json): string {
  const fields = Object.entries(properties).map(([name, field]) =>
    `${name}${required.includes(name) ? "" : "?"}: ${needOf(asObject(field))}`
  );
  return `{ ${fields.join(", ")} }`;
}

function onlyItem({ items }: Json): Json | boolean {
  return (Array.isArray(items) ? undefined : items as Json | boolean | undefined) ?? true;
}

function valuesOf({ additionalProperties }: Json): Json | boolean {
  return additionalProperties ?? true;
}

/** Bounds of a number as text; the bounds of the safe integers are omitted. */
function rangeOf(node: Json): string {
  const { minimum, exclusiveMinimum, maximum, exclusiveMaximum } = node;
  const lower = exclusiveMinimum ?? minimum;
  const upper = exclusiveMaximum ?? maximum;
  const hasLower = lower !== undefined && lower !== Number.MIN_SAFE_INTEGER;
  const hasUpper = upper !== undefined && upper !== Number.MAX_SAFE_INTEGER;
  if (hasLower && hasUpper) {
    const open = exclusiveMinimum === undefined ? "[" : "(";
    const close = exclusiveMaximum === undefined ? "]" : ")";
    return ` in ${open}${lower}, ${upper}${close}`;
  }
  if (hasLower) return ` ${exclusiveMinimum === undefined ? ">=" : ">"} ${lower}`;
  if (hasUpper) return ` ${exclusiveMaximum === undefined ? "<=" : "<"} ${upper}`;
  return "";
}
