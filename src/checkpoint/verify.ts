/**
 * Opens and verifies one checkpoint, without changing it. Reads only the files that the manifest
 * names, through links if there are any, since their hashes are verified. Faults are thrown as
 * Damage.
 */
import { basename, join } from "node:path";
import { Damage, Unreachable } from "./damage.ts";
import { openHashed } from "./files.ts";
import { isAbsent, isLink } from "./links.ts";
import { MANIFEST, type Manifest, MANIFEST_PARTS, parseManifest } from "./manifest.ts";
import { stepOf } from "./names.ts";
import { nonFiniteReason, NonFiniteState } from "./non_finite.ts";
import { readSafetensors } from "./tensors/safetensors.ts";
import { stateHashAsync } from "./state_hash.ts";
import type { NamedTensor } from "./tensors/tensor.ts";

/** A checkpoint of which every byte was verified. */
export interface Checkpoint {
  readonly path: string;
  readonly manifest: Manifest;
  /** By name. */
  readonly model: ReadonlyMap<string, NamedTensor>;
  /** By name. */
  readonly optimizer: ReadonlyMap<string, NamedTensor>;
}

/** The manifest includes the tokenizer, which can have ten megabytes. */
const MANIFEST_LIMIT = 64 * 2 ** 20;

/**
 * Reads the checkpoint at `path`: no file missing, the manifest valid and of the step that the
 * folder is named after, sizes and SHA-256 equal, tensors readable and finite, state hash equal.
 * Other files (`.DS_Store`, `.nfs...`, copies of an editor) are ignored. @throws {Damage}
 */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  await requireFolder(path);
  const manifest = await readManifest(path);
  const model = await readPart(path, { name: MANIFEST_PARTS[0], manifest });
  const optimizer = await readPart(path, { name: MANIFEST_PARTS[1], manifest });
  const state = { model: model.values(), optimizer: optimizer.values() };
  const hash = await stateHashAsync(manifest.step, state);
  if (hash !== manifest.stateHash) throw new Damage("The state does not match its hash");
  const ruin = await nonFiniteReason([...model.values(), ...optimizer.values()]);
  if (ruin !== undefined) throw new NonFiniteState(ruin);
  return { path, manifest, model, optimizer };
}

async function requireFolder(path: string): Promise<void> {
  try {
    if ((await Deno.stat(path)).isDirectory) return;
  } catch (error) {
    if (isAbsent(error) && await isLink(path)) {
      throw new Unreachable("It is a link that leads nowhere");
    }
    throw error;
  }
  throw new Damage("It is not a folder");
}

/** Reads only the manifest of the checkpoint at `path`. @throws {Damage} */
export async function readManifest(path: string): Promise<Manifest> {
  using file = await openHashed(join(path, MANIFEST), { what: MANIFEST });
  if (file.size > MANIFEST_LIMIT) {
    throw new Damage(`${MANIFEST} is longer than ${MANIFEST_LIMIT} bytes`);
  }
  const manifest = parseManifest(new TextDecoder().decode(await file.next(file.size)));
  // A copy, or a link such as `latest`, may have any name that is not a step's.
  const named = stepOf(basename(path));
  if (named !== undefined && manifest.step !== named) {
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
