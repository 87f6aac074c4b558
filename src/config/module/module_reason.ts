/** Why the module of a config does not load, as one line. Pure. */
import { fileURLToPath } from "node:url";
import { own } from "../../base/own.ts";

/** What an error says, and where in the file at `path` or in what it imports; `ours` says nothing. */
export function moduleReason(
  error: unknown,
  { path, ours }: { readonly path: string; readonly ours: string },
): string {
  const text = error instanceof Error ? `${error.message}\n${error.stack}` : String(error);
  // Deno colours some of its messages.
  // deno-lint-ignore no-control-regex
  const plain = text.replaceAll(/\x1b\[\d+m/g, "");
  const first = (plain.split("\n")[0] ?? "").replace(/^SyntaxError: |\.$/g, "");
  const reason = forbidden(first) ?? first;
  const [, url, line, column] = /(?:at |\()(file:\/\/\S+?):(\d+):(\d+)\)?$/m.exec(plain) ?? [];
  // A place in a file of ours says nothing of the config.
  if (url === undefined || url === ours) return reason;
  const file = fileURLToPath(url);
  const place = `line ${line}, column ${column}`;
  return `${reason} at ${place}${file === path ? "" : ` of ${file}`}`;
}

/** How every reason begins that is a thing forbidden. */
const FORBIDS = "a config ";

/** What a config may not do, by the name of Deno's permission for it. */
const FORBIDDEN: Readonly<Record<string, string>> = {
  read: "reads only modules and JSON that it imports from its project, and nothing hidden",
  env: "reads no environment variable",
  import: "imports nothing from the network",
  net: "reads nothing from the network",
  write: "writes no file",
  run: "starts no program",
  sys: "asks nothing of the system",
  ffi: "opens no library",
  all: "reads only modules and JSON that it imports from its project, and nothing hidden",
};

/** Deno's advice is to grant a permission, which no flag of ours does: say what a config may not do. */
function forbidden(reason: string): string | undefined {
  const [, permission = "", what] = /^Requires (\w+) access(?: to (".*?"))?/.exec(reason) ?? [];
  const forbids = own(FORBIDDEN, permission);
  if (forbids !== undefined) {
    return `${FORBIDS}${forbids}${what === undefined ? "" : `: ${what}`}`;
  }
  // Links need all of write, and are refused in other words.
  if (/requires unscoped .*--allow-write/.test(reason)) return FORBIDS + FORBIDDEN["write"];
  const [, url] = /A remote specifier was requested: (".*?")/.exec(reason) ?? [];
  if (url !== undefined) return `${FORBIDS}${FORBIDDEN["import"]}: ${url}`;
  // A package that is in no lock file would be fetched: with a registry in reach the lock file is
  // named, without one the request that failed.
  return /^The lockfile is out of date|^Failed loading \S+ for package /.test(reason)
    ? `${FORBIDS}${FORBIDDEN["import"]}: a package is not one of Shoal's`
    : undefined;
}
