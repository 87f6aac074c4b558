/**
 * Opens one checkpoint and checks everything about it. Reads nothing outside its folder and
 * changes nothing; what is wrong comes out as Damage.
 */
import { basename, join } from "node:path";
import { Damage } from "./damage.ts";
import { namesIn, openHashed } from "./files.ts";
import { MANIFEST, type Manifest, parseManifest, PARTS } from "./manifest.ts";
import { stepOf } from "./names.ts";
import { readSafetensors } from "./safetensors.ts";
import { stateHashInTurns } from "./state_hash.ts";
import type { NamedTensor } from "./tensor.ts";

/** A checkpoint of which every byte was checked. */
export interface Checkpoint {
  readonly path: string;
  readonly manifest: Manifest;
  /** By name. */
  readonly model: ReadonlyMap<string, NamedTensor>;
  /** By name. */
  readonly optimizer: ReadonlyMap<string, NamedTensor>;
}

/** A tokenizer stands in the manifest, and some have ten megabytes. */
const MANIFEST_LIMIT = 64 * 2 ** 20;

/**
 * Reads the checkpoint at `path`: no file missing or extra, the manifest valid and of the folder's
 * step, sizes and SHA-256 equal, tensors readable, state hash equal. Throws Damage otherwise.
 */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  await checkFiles(path);
  const manifest = await readManifest(path);
  const model = await readPart(path, { name: PARTS[0], manifest });
  const optimizer = await readPart(path, { name: PARTS[1], manifest });
  const state = { model: model.values(), optimizer: optimizer.values() };
  const hash = await stateHashInTurns(manifest.step, state);
  if (hash !== manifest.stateHash) throw new Damage("The state does not match its hash");
  return { path, manifest, model, optimizer };
}

async function checkFiles(path: string): Promise<void> {
  const { isDirectory } = await Deno.lstat(path);
  if (!isDirectory) throw new Damage("It is not a folder");
  const wanted: string[] = [MANIFEST, ...PARTS];
  const found = await namesIn(path);
  for (const name of wanted) {
    if (!found.includes(name)) throw new Damage(`${name} is missing`);
  }
  for (const name of found) {
    if (!wanted.includes(name)) throw new Damage(`${name} is not part of a checkpoint`);
    // A link could lead outside the folder.
    const { isFile } = await Deno.lstat(join(path, name));
    if (!isFile) throw new Damage(`${name} is not a plain file`);
  }
}

/** Reads the manifest at `path` alone. Throws Damage as `openCheckpoint` does. */
export async function readManifest(path: string): Promise<Manifest> {
  using file = await openHashed(join(path, MANIFEST), { what: MANIFEST });
  if (file.size > MANIFEST_LIMIT) {
    throw new Damage(`${MANIFEST} is longer than ${MANIFEST_LIMIT} bytes`);
  }
  const manifest = parseManifest(new TextDecoder().decode(await file.next(file.size)));
  if (manifest.step !== stepOf(basename(path))) {
    throw new Damage(`${MANIFEST} is of step ${manifest.step}, the folder is ${basename(path)}`);
  }
  return manifest;
}

async function readPart(
  path: string,
  { name, manifest }: { name: string; manifest: Manifest },
): Promise<ReadonlyMap<string, NamedTensor>> {
  const expect = manifest.files.find((file) => file.name === name);
  if (expect === undefined) throw new Damage(`${MANIFEST} does not list ${name}`);
  return (await readSafetensors(join(path, name), { what: name, expect })).tensors;
}
