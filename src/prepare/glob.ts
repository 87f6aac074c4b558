/**
 * File names with wildcards, expanded by us: a shell leaves quoted ones alone, and some have none.
 * `*` and `?` stay within a name, `**` spans folders, `[abc]` is one of some characters, `{a,b}`
 * either. As in shells, wildcards do not match what begins with a dot.
 */
import { join } from "node:path";
import { fileFault, isMissing } from "../base/file_fault.ts";
import { Refusal } from "../base/refusal.ts";

/** Whether a name has wildcards. */
export function hasWildcards(name: string): boolean {
  return /[*?[{]/.test(name);
}

/** Paths of the files that a pattern matches, in no order. */
export async function expand(pattern: string): Promise<string[]> {
  const parts = pattern.split("/");
  const fixed = parts.findIndex(hasWildcards);
  const base = parts.slice(0, fixed).join("/");
  const root = base === "" ? (pattern.startsWith("/") ? "/" : ".") : base;
  const match = matcher(pattern, parts.slice(fixed));
  const depth = parts.includes("**") ? Infinity : parts.length - fixed;
  const found: string[] = [];
  for await (const below of filesBelow(root, depth)) {
    if (match.test(below)) found.push(base === "" && root === "." ? below : join(root, below));
  }
  return found;
}

/** Files below a folder, at most `depth` names deep, as paths relative to it; hidden ones are left out. */
export async function* filesBelow(root: string, depth = Infinity): AsyncGenerator<string> {
  for (const name of await namesOf(root)) {
    const { isDirectory, isFile } = await Deno.stat(join(root, name)).catch(() => NOTHING);
    if (isFile) yield name;
    else if (isDirectory && depth > 1) {
      for await (const below of filesBelow(join(root, name), depth - 1)) yield `${name}/${below}`;
    }
  }
}

/** A link that leads nowhere. */
const NOTHING = { isDirectory: false, isFile: false };

async function namesOf(folder: string): Promise<string[]> {
  try {
    const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
    return names.filter((name) => !name.startsWith("."));
  } catch (error) {
    if (isMissing(error)) return [];
    throw fileFault(error, { doing: "read", path: folder });
  }
}

/** What the names of a pattern match. @throws {Refusal} `config` for a brace that is not closed. */
function matcher(pattern: string, names: readonly string[]): RegExp {
  const source = names.map((name, i) => {
    const last = i === names.length - 1;
    if (name === "**") return last ? ".+" : "(?:[^/]+/)*";
    return namePattern(name) + (last ? "" : "/");
  }).join("");
  try {
    return new RegExp(`^${source}$`, "u");
  } catch {
    throw new Refusal("config", `Cannot expand ${pattern}: need braces and brackets that close`);
  }
}

/** One name of a pattern as a regular expression. */
function namePattern(name: string): string {
  let braces = 0;
  return name.replaceAll(/\[(!?)([^\]]+)\]|[*?{},]|[\\^$.|+()[\]/]/g, (all, not, set) => {
    if (set !== undefined) return `[${not === "!" ? "^" : ""}${set.replaceAll(/[\\^[]/g, "\\$&")}]`;
    if (all === "*") return "[^/]*";
    if (all === "?") return "[^/]";
    if (all === "{") return braces++, "(?:";
    if (all === "}" && braces > 0) return braces--, ")";
    if (all === ",") return braces > 0 ? "|" : all;
    return `\\${all}`;
  });
}
