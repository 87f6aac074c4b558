/**
 * Durable files: bytes are hashed on their way, and nothing counts as written before it is synced.
 * Knows nothing of tensors or checkpoints.
 */
import { createHash, type Hash } from "node:crypto";
import { dirname } from "node:path";
import { hasCode } from "../base/file_fault.ts";
import { UserError } from "../base/user_error.ts";
import { writeAll } from "../base/write_all.ts";
import { Damage, Unreachable } from "./damage.ts";
import { DISK, type Disk } from "./disk.ts";
import { isAbsent, isLink } from "./links.ts";
import { CHUNK, chunksOf } from "./tensors/pieces.ts";

/** Called before each effect, with its name. */
export type Hook = (point: string) => void | Promise<void>;

/** How files are written. */
export interface WriteOptions {
  readonly at?: Hook | undefined;
  readonly disk?: Disk | undefined;
}

/** Size and SHA-256 (64 hex digits) of a file. */
export interface Digest {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Writes a file that must not exist and syncs it to disk. `at` is called with `create`, `fill`
 * (after the first chunk) and `sync`. Throws what the system throws, `AlreadyExists` above all.
 */
export async function writeNew(
  path: string,
  chunks: Iterable<Uint8Array>,
  { at, disk = DISK }: WriteOptions = {},
): Promise<Digest> {
  const hash = createHash("sha256");
  let bytes = 0;
  await at?.("create");
  using file = await disk.create(path);
  for (const chunk of chunks) {
    for (const piece of chunksOf(chunk)) {
      hash.update(piece);
      await writeAll(file, piece);
    }
    if (bytes === 0) await at?.("fill");
    bytes += chunk.length;
  }
  await at?.("sync");
  await file.sync();
  return { bytes, sha256: hash.digest("hex") };
}

/** What a file is called in errors, and what it must be. */
export interface ReadOptions {
  readonly what: string;
  readonly expect?: Digest | undefined;
}

/** Reads a file from its start to its end, hashing on the way; made by `openHashed`. */
export class HashedFile implements Disposable {
  /** In bytes. */
  readonly size: number;
  readonly #file: Deno.FsFile;
  readonly #options: ReadOptions;
  readonly #hash: Hash = createHash("sha256");
  #at = 0;

  constructor(file: Deno.FsFile, { size, options }: { size: number; options: ReadOptions }) {
    this.#file = file;
    this.size = size;
    this.#options = options;
  }

  /** The next `length` bytes. Throws Damage when the file ends before. */
  async next(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const { what } = this.#options;
    if (length > this.size - this.#at) {
      throw new Damage(`${what} ends before byte ${this.#at + length}`);
    }
    const out = roomFor(length, what);
    for (let i = 0; i < length;) {
      const n = await this.#file.read(out.subarray(i, i + CHUNK));
      if (n === null) throw new Damage(`${what} ends after ${this.#at} of ${this.size} bytes`);
      this.#hash.update(out.subarray(i, i + n));
      i += n;
      this.#at += n;
    }
    return out;
  }

  /** Throws Damage when what was read is not what was expected. Call it after the last byte. */
  finish(): void {
    const { what, expect } = this.#options;
    if (expect !== undefined && this.#hash.digest("hex") !== expect.sha256) {
      throw new Damage(`${what} does not match its SHA-256`);
    }
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** @throws {UserError} `tooLarge` where there is no memory for a file: that is not the file's fault. */
function roomFor(length: number, what: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UserError(
      "tooLarge",
      `Cannot read ${what}: need ${length} bytes of memory at once: too many`,
    );
  }
}

/**
 * Opens a plain file, or what a link to one leads to. Damage when it is missing, is no plain file, or
 * has another size than expected.
 */
export async function openHashed(path: string, options: ReadOptions): Promise<HashedFile> {
  const { what, expect } = options;
  const file = await openRead(path, what);
  const { size } = await file.stat();
  if (expect === undefined || size === expect.bytes) {
    return new HashedFile(file, { size, options });
  }
  file.close();
  throw new Damage(`${what} has ${size} bytes, not ${expect.bytes}`);
}

async function openRead(path: string, what: string): Promise<Deno.FsFile> {
  try {
    // Opening a named pipe would wait for a writer for ever.
    if (!(await Deno.stat(path)).isFile) throw new Damage(`${what} is not a plain file`);
    return await Deno.open(path, { read: true });
  } catch (error) {
    if (!isAbsent(error)) throw error;
    if (await isLink(path)) throw new Unreachable(`${what} is a link that leads nowhere`);
    throw new Damage(`${what} is missing`);
  }
}

/** Makes a folder and those above it where there are none, so that their names are on disk. */
export async function makeFolders(path: string, disk: Disk = DISK): Promise<void> {
  if (await isFolder(path)) return;
  const parent = dirname(path);
  if (parent !== path) await makeFolders(parent, disk);
  try {
    await disk.makeFolder(path);
  } catch (error) {
    // Another process may have been quicker.
    if (!await isFolder(path)) throw error;
  }
  await disk.syncFolder(parent);
}

/** The same, and surely so where the folder was there: who made it may have died before its sync. */
export async function ensureFolder(path: string, disk: Disk = DISK): Promise<void> {
  await makeFolders(path, disk);
  await disk.syncFolder(dirname(path));
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw error;
  }
}

/**
 * Names in a folder, sorted; none where there is no folder. Refuses as `noInput` for a link that leads
 * nowhere: what it led to may come back, and an empty folder would be taken for a new one.
 */
export async function fileNamesIn(path: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(path), (entry) => entry.name)).sort();
  } catch (error) {
    if (!isAbsent(error)) throw error;
    if (!await isLink(path)) return [];
    throw new UserError(
      "noInput",
      `Cannot read ${path}: need the folder that this link leads to: there is none`,
    );
  }
}
