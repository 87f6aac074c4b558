/**
 * Expands wildcards in file names, because shells leave quoted ones alone and some have none. `*`
 * and `?` stay within a name, `**` spans folders, `[abc]` is a set, `{a,b}` an alternative. As in
 * shells, wildcards do not match names that begin with a dot.
 */
import { join } from "node:path";
import { UserError } from "../base/user_error.ts";
import { filesBelow, type LeftOut, leftOutNothing } from "./walk.ts";

/** Whether a name has wildcards. */
export function hasWildcards(name: string): boolean {
  return /[*?[{]/.test(name);
}

/** Paths of matching files, unordered; skipped paths are added to `leftOut`. */
export async function expandGlobs(pattern: string, leftOut?: LeftOut): Promise<string[]> {
  const parts = pattern.split("/");
  const fixed = parts.findIndex(hasWildcards);
  const base = parts.slice(0, fixed).join("/");
  const root = base === "" ? (pattern.startsWith("/") ? "/" : ".") : base;
  const match = matcher(pattern, parts.slice(fixed));
  const depth = parts.includes("**") ? Infinity : parts.length - fixed;
  const path = (below: string) => base === "" && root === "." ? below : join(root, below);
  const found: string[] = [];
  const passed = leftOutNothing();
  for await (const below of filesBelow(root, { depth, leftOut: passed })) {
    if (match.test(below)) found.push(path(below));
  }
  for (const key of ["again", "broken", "special"] as const) {
    for (const below of passed[key]) {
      if (key === "again" || match.test(below)) leftOut?.[key].push(path(below));
    }
  }
  return found;
}

/** Compiles a pattern. @throws {UserError} `config` for an unclosed brace. */
function matcher(pattern: string, names: readonly string[]): RegExp {
  const source = names.map((name, i) => {
    const last = i === names.length - 1;
    if (name === "**") return last ? ".+" : "(?:[^/]+/)*";
    return namePattern(name) + (last ? "" : "/");
  }).join("");
  try {
    return new RegExp(`^${source}$`, "u");
  } catch {
    throw new UserError("config", `Cannot expand ${pattern}: need braces and brackets that close`);
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
