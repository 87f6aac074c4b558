/** Describes in one line why a module of the user does not load. */
import { fileURLToPath } from "node:url";
import { own } from "../base/own.ts";
import { thrownLine } from "../base/text/thrown.ts";

/**
 * The message of an error with its position in the file at `path` or in an import. Positions in the
 * file at the URL `ours` are omitted.
 */
export function moduleReason(
  error: unknown,
  { path, ours, subject = "a config" }: {
    readonly path: string;
    readonly ours: string;
    /** What the reason calls the module. */
    readonly subject?: "a config" | "a module";
  },
): string {
  const text = error instanceof Error ? `${error.message}\n${error.stack}` : thrownLine(error);
  // Remove ANSI colors, which some of Deno's messages have.
  // deno-lint-ignore no-control-regex
  const plain = text.replaceAll(/\x1b\[\d+m/g, "");
  const first = (plain.split("\n")[0] ?? "").replace(/^SyntaxError: |\.$/g, "");
  const reason = forbidden(first, subject) ?? missing(first) ?? first;
  const [, url, line, column] = /(?:at |\()(file:\/\/\S+?):(\d+):(\d+)\)?$/m.exec(plain) ?? [];
  // A position in our own file does not help to find the fault in the config.
  if (url === undefined || url === ours) return reason;
  const file = fileURLToPath(url);
  const place = `line ${line}, column ${column}`;
  return `${reason} at ${place}${file === path ? "" : ` of ${file}`}`;
}

/** Names the file of an import that is not there, as a path. */
function missing(reason: string): string | undefined {
  const [, url] = /^Module not found "(file:[^"]+)"/.exec(reason) ?? [];
  return url === undefined ? undefined : `it imports ${fileURLToPath(url)}, which is missing`;
}

/** What a module may not do, by the name of Deno's permission. */
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

/** Replaces Deno's advice to grant a permission, for which Shoal has no flag. */
function forbidden(reason: string, subject: string): string | undefined {
  const [, permission = "", what] = /^Requires (\w+) access(?: to (".*?"))?/.exec(reason) ?? [];
  const forbids = own(FORBIDDEN, permission);
  if (forbids !== undefined) {
    return `${subject} ${forbids}${what === undefined ? "" : `: ${what}`}`;
  }
  // Creating a symbolic link needs unscoped write access, which has another message.
  if (/requires unscoped .*--allow-write/.test(reason)) {
    return `${subject} ${FORBIDDEN["write"]}`;
  }
  const [, url] = /A remote specifier was requested: (".*?")/.exec(reason) ?? [];
  if (url !== undefined) return `${subject} ${FORBIDDEN["import"]}: ${url}`;
  // For a package that is in no lock file, Deno reports the lock file if the registry is reachable,
  // else the failed request.
  return /^The lockfile is out of date|^Failed loading \S+ for package /.test(reason)
    ? `${subject} ${FORBIDDEN["import"]}: a package is not one of Shoal's`
    : undefined;
}
