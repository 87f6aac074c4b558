/**
 * Durable files: bytes are hashed on their way, and nothing counts as written before it is synced.
 * Knows nothing of tensors or checkpoints.
 */
import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { Damage } from "./damage.ts";

/** Largest single read or write in bytes: between two of them other work gets its turn. */
const CHUNK = 4 * 2 ** 20;

/** Called before each effect, with its name. */
export type Hook = (point: string) => void | Promise<void>;

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
  { at }: { at?: Hook | undefined } = {},
): Promise<Digest> {
  const hash = createHash("sha256");
  let bytes = 0;
  await at?.("create");
  using file = await Deno.open(path, { write: true, createNew: true, mode: 0o640 });
  for (const chunk of chunks) {
    for (let i = 0; i < chunk.length; i += CHUNK) {
      const piece = chunk.subarray(i, i + CHUNK);
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

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let i = 0; i < bytes.length;) i += await file.write(bytes.subarray(i));
}

/**
 * Reads a whole file. With `expect` a size that differs throws Damage before anything is read, and
 * a hash that differs before anything is handed out. A missing file is Damage as well.
 */
export async function readWhole(
  path: string,
  { what, expect }: { what: string; expect?: Digest | undefined },
): Promise<Uint8Array<ArrayBuffer>> {
  using file = await openRead(path, what);
  const { size } = await file.stat();
  if (expect !== undefined && size !== expect.bytes) {
    throw new Damage(`${what} has ${size} bytes, not ${expect.bytes}`);
  }
  const out = new Uint8Array(size);
  const hash = createHash("sha256");
  for (let i = 0; i < size;) {
    const n = await file.read(out.subarray(i, Math.min(i + CHUNK, size)));
    if (n === null) throw new Damage(`${what} ends after ${i} of ${size} bytes`);
    hash.update(out.subarray(i, i + n));
    i += n;
  }
  if (expect !== undefined && hash.digest("hex") !== expect.sha256) {
    throw new Damage(`${what} does not match its SHA-256`);
  }
  return out;
}

async function openRead(path: string, what: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new Damage(`${what} is missing`);
    throw error;
  }
}

/** Syncs a folder's list of names to disk. */
export async function syncFolder(path: string): Promise<void> {
  using folder = await Deno.open(path, { read: true });
  await folder.sync();
}

/** Makes a folder where there is none, so that its own name is on disk as well. */
export async function ensureFolder(path: string): Promise<void> {
  await Deno.mkdir(path, { recursive: true, mode: 0o750 });
  await syncFolder(dirname(path));
}

/** Names in a folder, sorted; none where there is no folder. */
export async function namesIn(path: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(path), (entry) => entry.name)).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
