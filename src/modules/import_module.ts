/** Imports modules of the user into this process, each once. */
import { pathToFileURL } from "node:url";
import { oneLine } from "../base/text/printable.ts";
import { UserError } from "../base/user_error.ts";
import { type LocalModule, readLocalModule } from "./local_files.ts";
import { moduleReason } from "./module_reason.ts";

/** A module that this process has imported. */
export interface ImportedModule extends LocalModule {
  /** Its default export. */
  readonly exported: unknown;
}

/** Time limit for a module that waits while it is imported, ms. */
const TIMEOUT = 30_000;
/** Maximum characters of a reason in an error text. */
export const MAX_REASON = 500;

const imported = new Map<string, Promise<ImportedModule>>();

/**
 * Imports the module at a path. Its files are read before and after: a module that changes meanwhile,
 * or after this process has imported it, is refused, because the code that runs would be another.
 * @throws {UserError} `config` where it does not load, `noInput` where there is no file,
 * `incompatible` where it changed.
 */
export async function importUserModule(
  path: string,
  { timeout = TIMEOUT }: { readonly timeout?: number } = {},
): Promise<ImportedModule> {
  const found = readLocalModule(path);
  const known = imported.get(found.path);
  const loading = known ?? load(found, timeout);
  imported.set(found.path, loading);
  const module = await loading;
  requireUnchanged(module, known === undefined ? readLocalModule(path) : found);
  return module;
}

/** The module at an absolute path; undefined where this process has not imported it. */
export async function importedModule(path: string): Promise<ImportedModule | undefined> {
  return await imported.get(path);
}

async function load(found: LocalModule, timeout: number): Promise<ImportedModule> {
  const loaded = await loadWithin(found.path, timeout);
  if ("reason" in loaded) throw moduleError(found.path, loaded.reason);
  return { ...found, ...loaded };
}

/** Why the module at an absolute path does not load; undefined if it does. */
export async function importReason(path: string, timeout: number): Promise<string | undefined> {
  const loaded = await loadWithin(path, timeout);
  return "reason" in loaded ? loaded.reason : undefined;
}

async function loadWithin(
  path: string,
  timeout: number,
): Promise<{ readonly exported: unknown } | { readonly reason: string }> {
  const late = Promise.withResolvers<never>();
  // Deno exits when only a pending promise is left: the timer keeps the process alive.
  const timer = setTimeout(
    () => late.reject(new Error(`it waits for longer than ${timeout / 1000} s`)),
    timeout,
  );
  try {
    const loading: Promise<{ readonly default?: unknown }> = import(pathToFileURL(path).href);
    const { default: exported } = await Promise.race([loading, late.promise]);
    return { exported };
  } catch (error) {
    return { reason: moduleReason(error, { path, ours: import.meta.url, subject: "a module" }) };
  } finally {
    clearTimeout(timer);
  }
}

/** The error of a module that does not load, in one line. */
export function moduleError(path: string, reason: string): UserError {
  const line = oneLine(reason.slice(0, MAX_REASON)).toWellFormed();
  return new UserError("config", `${cannotUse(path)}: ${line}`);
}

/** The first part of an error text about a module as a whole. */
export function cannotUse(path: string): string {
  return `Cannot use the module ${path}`;
}

function requireUnchanged(module: ImportedModule, { files }: LocalModule): void {
  const names = Array.from(new Set([...module.files.keys(), ...files.keys()]));
  const changed = names.find((name) => module.files.get(name) !== files.get(name));
  if (changed === undefined) return;
  throw new UserError(
    "incompatible",
    `Cannot use the module ${module.path}: need its files as this process imported them: ` +
      `${changed} changed since; start again`,
  );
}
