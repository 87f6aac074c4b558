/**
 * Modules of the user that a config names (`model.module`, `data.module`, `optim.module`, `data.tokenizer`): imports them and registers
 * what they define, before the config is validated.
 */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { pathExists } from "../../base/files/path_lookup.ts";
import { UserError } from "../../base/user_error.ts";
import { registerSource } from "../../data/sources/define.ts";
import { isTokenizerModule, registerTokenizer } from "../../data/tokenizers/user/user.ts";
import { SOURCES } from "../../data/sources/mod.ts";
import { MODELS } from "../../models/mod.ts";
import { registerModel } from "../../models/user_model.ts";
import { registerOptimizer } from "../../optim/define.ts";
import { OPTIMIZERS } from "../../optim/mod.ts";
import { checkInChild, type CheckOptions } from "../../modules/check_module.ts";
import {
  type ImportedModule,
  importedModule,
  importUserModule,
} from "../../modules/import_module.ts";
import { readLocalModule } from "../../modules/local_files.ts";
import { isPlain, type PlainConfig } from "../plain.ts";

/** A section of a config that a module may define. */
interface ModuleSection {
  /** Key of the section that names what is defined. */
  readonly key: string;
  /** Whether the other keys of the section are those of all of its kinds. */
  readonly stays: boolean;
  /** Registers what a module exports; returns its name. */
  register(exported: unknown, module: Pick<ImportedModule, "path" | "sha256">): string;
}

/** Every section that a module may define. */
export const MODULE_SECTIONS: Readonly<Record<string, ModuleSection>> = {
  model: {
    key: "kind",
    stays: false,
    register: (exported, { path, sha256 }) =>
      registerModel(exported, { module: path, sha256, shipped: Object.keys(MODELS) }),
  },
  data: {
    key: "source",
    stays: true,
    register: (exported, { path, sha256 }) =>
      registerSource(exported, { module: path, sha256, shipped: Object.keys(SOURCES) }),
  },
  optim: {
    key: "kind",
    stays: false,
    register: (exported, { path, sha256 }) =>
      registerOptimizer(exported, { module: path, sha256, shipped: Object.keys(OPTIMIZERS) }),
  },
};

/** Paths of the modules that are registered, by section and SHA-256. */
const known = new Map<string, string>();

/** A config with the paths of its modules absolute; relative ones belong to `folder`. Pure. */
export function withModulePaths<T extends object>(config: T, folder: string): T {
  const sections = Object.keys(MODULE_SECTIONS).flatMap((name) => {
    const section = (config as PlainConfig)[name];
    if (!isPlain(section) || typeof section["module"] !== "string") return [];
    return [[name, { ...section, module: pathFrom(section["module"], folder) }]];
  });
  const anchored = { ...config, ...Object.fromEntries(sections) };
  const { data } = anchored as PlainConfig;
  const tokenizer = tokenizerModule(anchored);
  if (tokenizer === undefined) return anchored;
  return { ...anchored, data: { ...Object(data), tokenizer: pathFrom(tokenizer, folder) } };
}

/** The module that a config's tokenizer is of. */
function tokenizerModule(config: object): string | undefined {
  const { data } = config as PlainConfig;
  const name = isPlain(data) ? data["tokenizer"] : undefined;
  return typeof name === "string" && isTokenizerModule(name) ? name : undefined;
}

function pathFrom(path: string, folder: string): string {
  return path.startsWith("file://") ? fileURLToPath(path) : resolve(folder, path);
}

/**
 * Imports the modules that a config names and registers what they define, after a child process has
 * done so; returns the config with their absolute paths, hashes and names filled in.
 * @throws {UserError} `config` for a module that does not load or defines something else, `noInput`
 * for a missing one, `incompatible` for one whose hash is not the config's.
 */
export async function withUserModules<T extends object>(
  config: T,
  options: CheckOptions = {},
): Promise<T> {
  await checkNewModules(config, options);
  let filled: PlainConfig = config as PlainConfig;
  for (const [name, { key, register }] of Object.entries(MODULE_SECTIONS)) {
    const section = filled[name];
    if (!isPlain(section) || section["module"] === undefined) continue;
    const given = section["module"];
    if (typeof given !== "string" || given === "") {
      throw new UserError("config", `Cannot use ${name}.module: need the path of a module`);
    }
    const asked = section["sha256"];
    // A stored config may name another place of a module that this process has imported.
    const place = known.get(`${name} ${asked}`);
    if (place !== undefined) {
      filled = { ...filled, [name]: { ...section, module: place } };
      continue;
    }
    const path = resolve(given);
    const { sha256, exported } = await importUserModule(path);
    if (asked !== undefined && asked !== sha256) {
      throw new UserError(
        "incompatible",
        `Cannot go on with another module ${path} (${name}.module): need its files as they were: ` +
          `their SHA-256 is ${sha256}, that of the run ${asked}`,
      );
    }
    const defined = register(exported, { path, sha256 });
    known.set(`${name} ${sha256}`, path);
    if (section[key] !== undefined && section[key] !== defined) {
      throw new UserError(
        "config",
        `Cannot use the module ${path}: need ${name}.${key} ${section[key]}: it defines ${defined}`,
      );
    }
    filled = { ...filled, [name]: { ...section, [key]: defined, module: path, sha256 } };
  }
  const tokenizer = tokenizerModule(filled);
  if (tokenizer === undefined) return filled as T;
  const path = resolve(tokenizer);
  const { sha256, exported } = await importUserModule(path);
  registerTokenizer(exported, { module: path, sha256 });
  return { ...filled, data: { ...Object(filled["data"]), tokenizer: path } } as T;
}

/** Checks modules in a process of their own before this one imports them. */
async function checkNewModules(config: object, options: CheckOptions): Promise<void> {
  const files = new Set<string>();
  const modules: string[] = [];
  for (const { key, path, isKnown } of modulesOf(config)) {
    if (isKnown) continue;
    if (!pathExists(path, { followLinks: true })) {
      throw new UserError(
        "noInput",
        `Cannot use the module ${path}: need its file: it is missing; --${key}=PATH names ` +
          "another place of it",
      );
    }
    const module = readLocalModule(path);
    for (const file of [...module.files.keys(), ...module.missing]) files.add(file);
    if (await importedModule(path) === undefined) modules.push(path);
  }
  if (modules.length === 0) return;
  await checkInChild({ modules, ...isSendable(config) && { config } }, { files, ...options });
}

/** Whether a config is JSON, as one of a program may not be. */
function isSendable(config: object): boolean {
  try {
    return JSON.stringify(config) !== undefined;
  } catch {
    return false;
  }
}

/** A module that a config names. */
interface NamedModule {
  /** Dotted key of the config. */
  readonly key: string;
  /** Absolute path. */
  readonly path: string;
  /** Whether this process has registered it, maybe from another place. */
  readonly isKnown: boolean;
}

/** The modules that a config names, in the order in which they are registered. */
export function modulesOf(config: object): readonly NamedModule[] {
  const named = Object.keys(MODULE_SECTIONS).flatMap((name): NamedModule[] => {
    const { module, sha256 } = Object((config as PlainConfig)[name]);
    if (typeof module !== "string" || module === "") return [];
    const isKnown = known.has(`${name} ${sha256}`);
    return [{ key: `${name}.module`, path: resolve(module), isKnown }];
  });
  const tokenizer = tokenizerModule(config);
  return tokenizer === undefined
    ? named
    : [...named, { key: "data.tokenizer", path: resolve(tokenizer), isKnown: false }];
}

/** A config with the modules of a command line. */
export interface NamedModules {
  readonly config: PlainConfig;
  /** The rest of the command line's keys. */
  readonly overrides: Readonly<Record<string, string>>;
  /** Dotted keys of the config that were left out, because a module defines their section. */
  readonly dropped: readonly string[];
}

/**
 * A config with the modules that a command line names, relative to the working folder. Where the
 * config names no module, the keys of what Shoal defines there are left out. Pure.
 */
export function withNamedModules(
  config: PlainConfig,
  overrides: Readonly<Record<string, string>>,
): NamedModules {
  let named = config;
  const rest = { ...overrides };
  const dropped: string[] = [];
  for (const [name, { key, stays }] of Object.entries(MODULE_SECTIONS)) {
    const module = rest[`${name}.module`];
    if (module === undefined) continue;
    const before = isPlain(named[name]) ? named[name] : {};
    const isMoved = before["module"] !== undefined;
    const kept = Object.entries(before).filter(([own]) => isMoved || (stays && own !== key));
    for (const own of Object.keys(before)) {
      if (own !== key && !kept.some(([left]) => left === own)) dropped.push(`${name}.${own}`);
    }
    const kind = rest[`${name}.${key}`];
    const section = { ...Object.fromEntries(kept), ...kind !== undefined && { [key]: kind } };
    named = { ...named, [name]: { ...section, module: resolve(module) } };
    for (const taken of ["module", key]) delete rest[`${name}.${taken}`];
  }
  const tokenizer = rest["data.tokenizer"];
  if (tokenizer !== undefined && isTokenizerModule(tokenizer)) {
    named = { ...named, data: { ...Object(named["data"]), tokenizer: resolve(tokenizer) } };
    delete rest["data.tokenizer"];
  }
  return { config: named, overrides: rest, dropped };
}

/** A stored config for a new run, which takes the modules as they are now. Pure. */
export function withoutModuleHashes(config: PlainConfig): PlainConfig {
  const sections = Object.keys(MODULE_SECTIONS).flatMap((name) => {
    const section = config[name];
    if (!isPlain(section) || section["module"] === undefined) return [];
    const { sha256: _, ...rest } = section;
    return [[name, rest]];
  });
  return { ...config, ...Object.fromEntries(sections) };
}

/**
 * Files of the modules that a resolved config names, by path, with their SHA-256 when this process
 * imported them. Workers may read these.
 */
export async function moduleFilesOf(config: object): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const { path } of modulesOf(config)) {
    for (const [file, hash] of (await importedModule(path))?.files ?? []) files.set(file, hash);
  }
  return files;
}
