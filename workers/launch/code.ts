/**
 * Hashes of the source files that a worker's process loads: the entry with all its static imports, and
 * the lock file, which decides the packages. The coordinator reads them: a worker may read no source.
 */
import { sha256 } from "../../src/base/hash.ts";
import { packageUrl } from "../../src/base/installed.ts";
import { once } from "../../src/base/once.ts";

/** The hash of each file, by its path from the root of the checkout. */
export type Code = ReadonlyMap<string, string>;

/** The root of the checkout. */
const ROOT = packageUrl("./");
/** The module that a worker's process runs. */
export const WORKER: URL = packageUrl("workers/worker.ts");
/** The one of a run with modules of the user. */
export const MODULE_WORKER: URL = packageUrl("workers/module_worker.ts");
/** Decides the versions and the hashes of all packages. */
const LOCK = packageUrl("deno.lock");

/** Statements that load another module; type imports are erased. */
const IMPORTS = [
  /^(?:import|export)\s(?!type\s)[^"'`;]*?\sfrom\s+"([^"]+)"/gm,
  /^import\s+"([^"]+)"/gm,
];

/** The code of workers when this process began: read at the first call, so call it early. */
export const codeAsBegun: () => Promise<Code> = once(() => codeOnDisk());
/** The same for workers of a run with modules of the user. */
export const moduleCodeAsBegun: () => Promise<Code> = once(() => codeOnDisk(MODULE_WORKER));

/** The code that a worker would load now. */
export async function codeOnDisk(entry: URL = WORKER): Promise<Code> {
  const code = new Map<string, string>();
  let level = [entry.href, LOCK.href];
  while (level.length > 0) {
    const found = await Promise.all(level.map(async (href) => [href, await textOf(href)] as const));
    for (const [href, text] of found) {
      code.set(nameOf(href), sha256(new TextEncoder().encode(text)));
    }
    const next = found.flatMap(([href, text]) => importsOf(href, text));
    level = Array.from(new Set(next)).filter((href) => !code.has(nameOf(href)));
  }
  return code;
}

/** The hash of each of these files now, by path. */
export async function hashesOf(paths: Iterable<string>): Promise<Code> {
  const hashes = Array.from(paths, async (path) => {
    const text = await Deno.readFile(path).catch(() => new Uint8Array());
    return [path, sha256(text)] as const;
  });
  return new Map(await Promise.all(hashes));
}

/** The names of the files that differ, sorted. Pure. */
export function changedFiles(before: Code, now: Code): string[] {
  return Array.from(new Set([...before.keys(), ...now.keys()]))
    .filter((name) => before.get(name) !== now.get(name))
    .sort();
}

/** The files of the checkout that a module imports. */
export function importsOf(href: string, text: string): string[] {
  if (!/\.[jt]s$/.test(href)) return [];
  return IMPORTS.flatMap((pattern) => Array.from(text.matchAll(pattern), ([, path = ""]) => path))
    .filter((path) => /^\.\.?\//.test(path))
    .map((path) => new URL(path, href).href);
}

/** A file that cannot be read counts as empty: the difference shows when it can be read again. */
async function textOf(href: string): Promise<string> {
  try {
    return await Deno.readTextFile(new URL(href));
  } catch {
    return "";
  }
}

function nameOf(href: string): string {
  return href.startsWith(ROOT.href) ? href.slice(ROOT.href.length) : href;
}
