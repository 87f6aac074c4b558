/** The files of a user's module: its own and those that it imports by relative paths. */
import { dirname, extname, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { append } from "../base/extremes.ts";
import { fileFault } from "../base/file_fault.ts";
import { hashValue, sha256 } from "../base/hash.ts";
import { packageUrl } from "../base/installed.ts";
import { UserError } from "../base/user_error.ts";

/** A module of the user on disk. */
export interface LocalModule {
  /** Absolute path. */
  readonly path: string;
  /** SHA-256 (hex) of each of its files, by absolute path, sorted. */
  readonly files: ReadonlyMap<string, string>;
  /** Absolute paths of imports that are not there, or of what only looks like an import. */
  readonly missing: readonly string[];
  /** SHA-256 (hex) over the files and the paths of imports relative to the module's folder. */
  readonly sha256: string;
}

/** Extensions of modules. */
const CODE = [".ts", ".js", ".mts", ".mjs"];
/** Most files of a module: each is named in the permissions of every worker. */
const MOST = 200;
/** Shoal's own folder and the parts of it that are not the user's. */
const ROOT = fileURLToPath(packageUrl("./"));
const OWN = ["mod.ts", "src/", "kernels/", "workers/", "dist/"];

/** Relative specifiers of static imports, re-exports, and dynamic imports of a literal. */
const IMPORTS = /\b(?:from|import)\s*\(?\s*["'](\.{1,2}\/[^"'\n]+)["']/g;
/** Lines that are comments. */
const COMMENTS = /^\s*(?:\/\/|\/?\*).*$/gm;

/**
 * Reads a module and what it imports; files of Shoal are not its own.
 * @throws {UserError} `config` for a path that cannot be a module, `noInput` where there is no file.
 */
export function readLocalModule(given: string): LocalModule {
  const path = resolve(given);
  if (!CODE.includes(extname(path))) {
    throw new UserError(
      "config",
      `Cannot use the module ${given}: need a file that ends in ${CODE.join(", ")}`,
    );
  }
  const hashes = new Map<string, string>();
  const missing: string[] = [];
  const left = [path];
  for (let file = left.pop(); file !== undefined; file = left.pop()) {
    if (hashes.has(file)) continue;
    // Deno splits the list of paths that a worker may read at commas, and has no way to escape one.
    if (file.includes(",")) {
      throw new UserError("config", `Cannot use the module ${file}: need a path without a comma`);
    }
    const bytes = bytesOfFile(file, file === path);
    if (bytes === undefined) {
      missing.push(file);
      continue;
    }
    hashes.set(file, sha256(bytes));
    if (hashes.size > MOST) {
      throw new UserError(
        "config",
        `Cannot use the module ${path}: need at most ${MOST} files that it imports`,
      );
    }
    if (CODE.includes(extname(file))) append(left, importsOfText(file, bytes));
  }
  const files = new Map(Array.from(hashes).sort(([a], [b]) => a < b ? -1 : 1));
  // The module itself may have any name.
  const nameOf = (file: string) => file === path ? "" : relative(dirname(path), file);
  const named = Array.from(files, ([file, hash]): [string, string] => [nameOf(file), hash])
    .sort(([a], [b]) => a < b ? -1 : 1);
  return { path, files, missing, sha256: hashValue(named) };
}

/** The bytes of a file; undefined for an import that is missing, which fails when it is imported. */
function bytesOfFile(path: string, isModule: boolean): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    if (!isModule) return undefined;
    throw fileFault(error, { doing: "use the module", path, need: "its file", exit: "noInput" });
  }
}

function importsOfText(path: string, bytes: Uint8Array): string[] {
  const code = new TextDecoder().decode(bytes).replaceAll(COMMENTS, "");
  return Array.from(code.matchAll(IMPORTS), ([, specifier = ""]) => specifier).flatMap((name) => {
    const file = pathOf(new URL(name, pathToFileURL(path)));
    return file === undefined || isOurs(file) ? [] : [file];
  });
}

function isOurs(path: string): boolean {
  if (!path.startsWith(ROOT)) return false;
  const name = path.slice(ROOT.length);
  return OWN.some((own) => name === own || (own.endsWith("/") && name.startsWith(own)));
}

/** The path of a file URL; undefined if it has an encoded slash. */
function pathOf(url: URL): string | undefined {
  try {
    return fileURLToPath(url);
  } catch {
    return undefined;
  }
}
