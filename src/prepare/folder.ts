/** The folder that tokens are prepared into: who may write there, and what stands there already. */
import { join } from "node:path";
import { fileFault, hasCode, isMissing } from "../base/file_fault.ts";
import { sealed } from "../base/hash.ts";
import { UserError } from "../base/user_error.ts";
import { lockRun, type RunLock } from "../checkpoint/lock/lock.ts";
import { textIfAny } from "../data/prepared/files.ts";
import {
  INDEX,
  isFinished,
  parseJson,
  PROGRESS,
  readIndex,
  TOKENIZER,
} from "../data/prepared/folder.ts";
import type { PreparedIndex } from "../data/prepared/schema.ts";
import { tokenizerSpecSchema } from "../data/schema.ts";
import { tokenizerFrom, tokenizerHash } from "../data/tokenizers/mod.ts";
import type { Tokenizer } from "../data/tokenizers/types.ts";
import { makeFolder, writeJsonAtomic } from "../report/atomic.ts";
import { type PrepareProgress, progressSchema } from "./schema.ts";

const SHARD = /^(train|validation)-\d{5}\.tokens$/;

/** What stands in a folder: all of it, a part of it, or nothing. */
export interface PrepareState {
  readonly index?: PreparedIndex;
  readonly progress?: PrepareProgress;
}

/** A folder that this process alone writes to, until disposed. */
export class OutFolder implements Disposable {
  readonly path: string;
  readonly #lock: RunLock;

  private constructor(path: string, lock: RunLock) {
    this.path = path;
    this.#lock = lock;
  }

  /** Makes the folder where there is none. @throws {UserError} `locked`, or `config` for one that cannot be used. */
  static async open(path: string): Promise<OutFolder> {
    try {
      checkNames(path);
    } catch (error) {
      throw fileFault(error, {
        doing: "use output folder",
        path,
        need: "a folder",
        exit: "config",
      });
    }
    // This command may not ask for the host's name.
    return new OutFolder(path, await lockRun(path, { owner: `${Deno.pid} -`, make: makeFolder }));
  }

  /** Call it right before each effect. @throws {UserError} `locked` once the folder is another's. */
  check(): void {
    this.#lock.check();
  }

  /** What stands here. @throws {UserError} `data` for what cannot be read. */
  standing(): PrepareState {
    if (isFinished(this.path)) return { index: readIndex(this.path) };
    const path = join(this.path, PROGRESS);
    const text = textIfAny(path);
    return text === undefined
      ? {}
      : { progress: parseJson(path, { text, schema: progressSchema }) };
  }

  /** Keeps what was reached. */
  keep(progress: PrepareProgress): void {
    this.check();
    // The names of new shards are on the disk before anything speaks of them.
    using folder = Deno.openSync(this.path, { read: true });
    folder.syncSync();
    writeJsonAtomic(join(this.path, PROGRESS), sealed(progress));
  }

  /** Keeps the tokenizer. */
  keepTokenizer(tokenizer: Tokenizer): void {
    this.check();
    writeJsonAtomic(join(this.path, TOKENIZER), tokenizer.toJSON());
  }

  /** The tokenizer that was kept. @throws {UserError} `data` unless it has the hash. */
  tokenizer(hash: string): Tokenizer {
    const path = join(this.path, TOKENIZER);
    const text = textIfAny(path) ?? "";
    const tokenizer = tokenizerFrom(parseJson(path, { text, schema: tokenizerSpecSchema }));
    const found = tokenizerHash(tokenizer);
    if (found === hash) return tokenizer;
    throw new UserError(
      "data",
      `Cannot go on in ${this.path}: its tokenizer has the hash ${found}, not ${hash}`,
    );
  }

  /** Writes the index, with which the folder is whole. */
  finish(index: PreparedIndex): void {
    this.check();
    writeJsonAtomic(join(this.path, INDEX), sealed(index));
    this.tidy();
  }

  /** Removes what only an unfinished folder needs. */
  tidy(): void {
    this.#remove(PROGRESS);
  }

  /** Removes what a preparation left before it kept progress of a shard. */
  clear(): void {
    const names = Array.from(Deno.readDirSync(this.path), ({ name }) => name);
    for (const name of names.filter((name) => SHARD.test(name))) this.#remove(name);
    // Last: without it, the folder would be taken for somebody else's while a shard is left.
    this.#remove(PROGRESS);
    this.#remove(TOKENIZER);
  }

  #remove(name: string): void {
    this.check();
    try {
      Deno.removeSync(join(this.path, name));
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#lock.removeUnused();
    this.#lock[Symbol.dispose]();
  }
}

/** Nothing of anybody else is ever written over. @throws {UserError} `config` */
function checkNames(path: string): void {
  if (isFinished(path)) return;
  const names = namesIn(path);
  if (names.includes(PROGRESS) && !names.includes(INDEX)) return;
  // Killed before its first progress: a tokenizer, and hidden files: its lock, what was not renamed
  // yet, and what systems leave, such as .DS_Store.
  const foreign = names.filter((name) => name !== TOKENIZER && !name.startsWith("."));
  if (foreign.length === 0) return;
  throw new UserError(
    "config",
    `Cannot prepare into ${path}: need an empty folder, or one that prepare left: it holds ${
      foreign.sort()[0]
    }`,
  );
}

/** None where there is no folder yet. */
function namesIn(path: string): string[] {
  try {
    return Array.from(Deno.readDirSync(path), ({ name }) => name);
  } catch (error) {
    if (isMissing(error) && !hasCode(error, "ENOTDIR")) return [];
    throw error;
  }
}
