/** Turns the schema's validation issues of a config into error texts. */
import type * as z from "zod";
import { type ConfigKey, keys, sections } from "./keys.ts";
import { isPlain } from "./overrides.ts";
import { deviceElsewhere, sectionElsewhere } from "./elsewhere.ts";
import { hintFor, nearestKey } from "./suggest.ts";
import { schemaOf } from "./user/user_schema.ts";

/** One text per fault, each starting with the dotted path of the faulty key. */
export function faultTexts(input: unknown, issues: readonly z.core.$ZodIssue[]): string[] {
  const all = keys(schemaOf(input));
  const texts = causesOf(issues).flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((name) => unknownKey(input, [...issue.path, name], all));
    }
    const path = dotted(issue.path);
    if (issue.code === "custom") return [`${path}: ${issue.message}`];
    const actual = show(at(input, issue.path));
    if (issue.code === "invalid_format") return [`${path}: ${issue.message}: ${actual}`];
    // An issue inside a list or a table is reported for the key that holds it.
    const key = all.find((key) => path === key.path || path.startsWith(`${key.path}.`));
    if (key === undefined) return [`${path || "config"}: need an object: ${actual}`];
    const need = key.need === "boolean" ? "true or false" : key.need;
    const value = at(input, key.path.split("."));
    const hint = key.path === "device.kind" ? deviceElsewhere(String(value)) : undefined;
    // In a list of objects, say which field of which one.
    const [item, ...field] = issue.path.slice(key.path.split(".").length);
    const where = typeof item === "number" && field.length > 0
      ? `, where ${dotted([item, ...field])} is ${actual}`
      : "";
    const rest = hint === undefined ? where : ` (${hint})`;
    return [`${key.path}: need ${need}: ${show(value)}${rest}`];
  });
  // A value that breaks two rules of one leaf gives the same text twice.
  return Array.from(new Set(texts));
}

/**
 * The issues without consequences of others: checks between keys whose own key is not valid, or whose
 * message names a key that is not.
 */
function causesOf(issues: readonly z.core.$ZodIssue[]): readonly z.core.$ZodIssue[] {
  const invalid = issues.filter(({ code }) => code !== "custom").map(({ path }) => path);
  return issues.filter(({ code, path, message }) => {
    if (code !== "custom") return true;
    const section = dotted(path.slice(0, -1));
    const words: readonly string[] = message.match(/[\w.]*\w/g) ?? [];
    return !invalid.some((other) =>
      dotted(other) === dotted(path) || words.includes(dotted(other)) ||
      (dotted(other.slice(0, -1)) === section && words.includes(String(other.at(-1))))
    );
  });
}

function unknownKey(
  input: unknown,
  path: readonly PropertyKey[],
  all: readonly ConfigKey[],
): string {
  const given = dotted(path);
  const values = all.map((key) => key.path);
  // Compare an object with sections, any other value with keys.
  const isSection = isPlain(at(input, path));
  const known = isSection ? sections(all) : values;
  if (known.includes(given)) {
    const section = dotted(path.slice(0, -1));
    return `${given}: no key of this kind of ${section === "optim" ? "optimizer" : section}`;
  }
  const section = isSection ? sectionElsewhere(given) ?? nearestKey(given, known) : undefined;
  const hint = section === undefined ? hintFor(given, values) : `did you mean "${section}"?`;
  return `${given}: unknown key, ${hint}`;
}

function dotted(path: readonly PropertyKey[]): string {
  return path.map(String).join(".");
}

/** The value at a path; undefined if the path does not exist. */
function at(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, name) =>
      typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined,
    input,
  );
}

/** A value as JSON, or a note that it has no JSON form. */
function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return "an object that has no form in JSON";
  }
}

/** A value for an error text, at most 40 characters of JSON. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "number") return String(value);
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint") return `${value}n`;
  const text = textOf(value);
  return text.length > 40 ? text.slice(0, 37) + "..." : text;
}
