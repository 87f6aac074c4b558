/**
 * Durable files: bytes are hashed while they are written or read, and a write ends with fsync.
 */
import { createHash, type Hash } from "node:crypto";
import { dirname } from "node:path";
import { hasCode } from "../base/file_fault.ts";
import { UserError } from "../base/user_error.ts";
import { writeAll } from "../base/files/write_all.ts";
import { Damage, Unreachable } from "./damage.ts";
import { DISK, type Disk } from "./disk.ts";
import { isAbsent, isLink } from "./links.ts";
import { CHUNK, chunksOf } from "./tensors/chunks.ts";

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
 * Writes a file that must not exist and syncs it. `at` is called with `create`, `fill` (after the
 * first chunk) and `sync`. @throws the system's error, such as `AlreadyExists`.
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
    for (const part of chunksOf(chunk)) {
      hash.update(part);
      await writeAll(file, part);
    }
    if (bytes === 0) await at?.("fill");
    bytes += chunk.length;
  }
  await at?.("sync");
  await file.sync();
  return { bytes, sha256: hash.digest("hex") };
}

/** A file's name in errors, and its expected digest. */
export interface ReadOptions {
  readonly what: string;
  readonly expect?: Digest | undefined;
}

/** Reads a file sequentially and hashes it; see `openHashed`. */
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

  /** The next `length` bytes. @throws {Damage} if the file ends before. */
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

  /** Compares the digest, after the last byte. @throws {Damage} if it differs. */
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

/** @throws {UserError} `tooLarge` if memory is short, which is not the file's fault. */
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
 * Opens a regular file, following links. @throws {Damage} if it is missing, not a regular file, or
 * of another size than expected.
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
    // Opening a named pipe blocks until it has a writer.
    if (!(await Deno.stat(path)).isFile) throw new Damage(`${what} is not a plain file`);
    return await Deno.open(path, { read: true });
  } catch (error) {
    if (!isAbsent(error)) throw error;
    if (await isLink(path)) throw new Unreachable(`${what} is a link that leads nowhere`);
    throw new Damage(`${what} is missing`);
  }
}

/** Creates a folder and its missing parents, and syncs their names. */
export async function makeFolders(path: string, disk: Disk = DISK): Promise<void> {
  if (await isFolder(path)) return;
  const parent = dirname(path);
  if (parent !== path) await makeFolders(parent, disk);
  try {
    await disk.makeFolder(path);
  } catch (error) {
    // Another process may have created it first.
    if (!await isFolder(path)) throw error;
  }
  await disk.syncFolder(parent);
}

/** The same, and syncs an existing folder too: its creator may have crashed before its own sync. */
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
 * Names in a folder, sorted; none if there is no folder. @throws {UserError} `noInput` for a
 * dangling link: its target may come back, so it must not be treated as an empty folder.
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
