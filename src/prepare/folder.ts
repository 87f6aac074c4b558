/** The output folder of a preparation: its lock, its state, and its files. */
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

/** State of a folder: complete (index), partial (progress), or empty. */
export interface PrepareState {
  readonly index?: PreparedIndex;
  readonly progress?: PrepareProgress;
}

/** An output folder, locked until disposed. */
export class OutFolder implements Disposable {
  readonly path: string;
  readonly #lock: RunLock;

  private constructor(path: string, lock: RunLock) {
    this.path = path;
    this.#lock = lock;
  }

  /**
   * Locks the folder; creates it if missing. @throws {UserError} `locked`, or `config` for an
   * unusable folder.
   */
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
    // This command has no permission to read the host name.
    return new OutFolder(path, await lockRun(path, { owner: `${Deno.pid} -`, make: makeFolder }));
  }

  /** Call right before each effect. @throws {UserError} `locked` if another process took over. */
  check(): void {
    this.#lock.check();
  }

  /** The state of the folder. @throws {UserError} `data` for unreadable files. */
  state(): PrepareState {
    if (isFinished(this.path)) return { index: readIndex(this.path) };
    const path = join(this.path, PROGRESS);
    const text = textIfAny(path);
    return text === undefined
      ? {}
      : { progress: parseJson(path, { text, schema: progressSchema }) };
  }

  /** Saves the progress. */
  keep(progress: PrepareProgress): void {
    this.check();
    // Sync the names of new shards before progress.json refers to them.
    using folder = Deno.openSync(this.path, { read: true });
    folder.syncSync();
    writeJsonAtomic(join(this.path, PROGRESS), sealed(progress));
  }

  /** Saves the tokenizer. */
  keepTokenizer(tokenizer: Tokenizer): void {
    this.check();
    writeJsonAtomic(join(this.path, TOKENIZER), tokenizer.toJSON());
  }

  /** Reads the saved tokenizer. @throws {UserError} `data` if its hash differs. */
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

  /** Writes the index, which marks the folder complete. */
  finish(index: PreparedIndex): void {
    this.check();
    writeJsonAtomic(join(this.path, INDEX), sealed(index));
    this.tidy();
  }

  /** Removes progress.json. */
  tidy(): void {
    this.#remove(PROGRESS);
  }

  /** Removes the files of a preparation without a saved shard. */
  clear(): void {
    const names = Array.from(Deno.readDirSync(this.path), ({ name }) => name);
    for (const name of names.filter((name) => SHARD.test(name))) this.#remove(name);
    // Last: without progress.json, a folder with shards would count as foreign.
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

/** Protects foreign files. @throws {UserError} `config` if the folder has any. */
function checkNames(path: string): void {
  if (isFinished(path)) return;
  const names = namesIn(path);
  if (names.includes(PROGRESS) && !names.includes(INDEX)) return;
  // A process killed before its first progress leaves a tokenizer and hidden files: its lock and
  // temporary files. Systems add others, such as .DS_Store.
  const foreign = names.filter((name) => name !== TOKENIZER && !name.startsWith("."));
  if (foreign.length === 0) return;
  throw new UserError(
    "config",
    `Cannot prepare into ${path}: need an empty folder, or one that prepare left: it holds ${
      foreign.sort()[0]
    }`,
  );
}

/** Names in a folder; none if it does not exist. */
function namesIn(path: string): string[] {
  try {
    return Array.from(Deno.readDirSync(path), ({ name }) => name);
  } catch (error) {
    if (isMissing(error) && !hasCode(error, "ENOTDIR")) return [];
    throw error;
  }
}
