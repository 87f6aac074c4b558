/** The faults of a config in words. Pure; knows the schema's complaints, not their reasons. */
import type * as z from "zod";
import { type ConfigKey, keys, sections } from "./keys.ts";
import { isPlain } from "./overrides.ts";
import { deviceElsewhere, sectionElsewhere } from "./elsewhere.ts";
import { hintFor, nearestKey } from "./suggest.ts";

/** One text per fault, each beginning with the dotted path of what it is about. */
export function faultTexts(input: unknown, issues: readonly z.core.$ZodIssue[]): string[] {
  const all = keys();
  const texts = issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((name) => unknownKey(input, [...issue.path, name], all));
    }
    const path = dotted(issue.path);
    if (issue.code === "custom") return [`${path}: ${issue.message}`];
    const actual = show(at(input, issue.path));
    if (issue.code === "invalid_format") return [`${path}: ${issue.message}: ${actual}`];
    // What stands in a list or a table is part of a value.
    const key = all.find((key) => path === key.path || path.startsWith(`${key.path}.`));
    if (key === undefined) return [`${path || "config"}: need an object: ${actual}`];
    const need = key.need === "boolean" ? "true or false" : key.need;
    const value = at(input, key.path.split("."));
    const ours = key.path === "device" ? deviceElsewhere(String(value)) : undefined;
    return [`${key.path}: need ${need}: ${show(value)}${ours === undefined ? "" : ` (${ours})`}`];
  });
  // A value can break two rules of one leaf, which make one text.
  return Array.from(new Set(texts));
}

function unknownKey(
  input: unknown,
  path: readonly PropertyKey[],
  all: readonly ConfigKey[],
): string {
  const given = dotted(path);
  const values = all.map((key) => key.path);
  // An object was meant as a section, anything else as a value.
  const isSection = isPlain(at(input, path));
  const known = isSection ? sections(all) : values;
  if (known.includes(given)) return `${given}: no key of this kind of ${dotted(path.slice(0, -1))}`;
  const section = isSection ? sectionElsewhere(given) ?? nearestKey(given, known) : undefined;
  const hint = section === undefined ? hintFor(given, values) : `did you mean "${section}"?`;
  return `${given}: unknown key, ${hint}`;
}

function dotted(path: readonly PropertyKey[]): string {
  return path.map(String).join(".");
}

/** The value at a path, or undefined where the path leads nowhere. */
function at(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, name) =>
      typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined,
    input,
  );
}

/** A value as JSON, where it has such a form. */
function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return "an object that has no form in JSON";
  }
}

/** A value in at most a few words. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "number") return String(value);
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint") return `${value}n`;
  const text = textOf(value);
  return text.length > 40 ? text.slice(0, 37) + "..." : text;
}
