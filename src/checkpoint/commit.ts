/**
 * Publishes a checkpoint at once or not at all, whatever dies on the way: files are written and
 * synced in a hidden folder, the manifest last, and one rename makes them a checkpoint.
 * Needs the lock of the run; knows nothing of retention.
 */
import { join } from "node:path";
import { Refusal } from "../base/refusal.ts";
import { Damage } from "./damage.ts";
import { ensureFolder, type Hook, syncFolder, writeNew } from "./files.ts";
import { quarantine } from "./load.ts";
import {
  MANIFEST,
  type Manifest,
  type ManifestDraft,
  parseManifest,
  PARTS,
  printManifest,
} from "./manifest.ts";
import { asideName, PREFIX, stepName } from "./names.ts";
import { writeSafetensors } from "./safetensors.ts";
import { checkSpace, freeBytes, spaceFault } from "./space.ts";
import { stateHash } from "./state_hash.ts";
import type { NamedTensor } from "./tensor.ts";
import { openCheckpoint } from "./verify.ts";

/** What a checkpoint is made of. */
export interface CheckpointDraft {
  readonly manifest: ManifestDraft;
  readonly model: readonly NamedTensor[];
  readonly optimizer: readonly NamedTensor[];
}

/** A checkpoint on disk; `bytes` over all its files, `ms` for the whole save. */
export interface Saved {
  readonly path: string;
  readonly manifest: Manifest;
  readonly bytes: number;
  readonly ms: number;
}

/** For tests: what the world looks like, and a hook before each effect. */
export interface SaveOptions {
  readonly at?: Hook;
  readonly free?: (path: string) => number;
}

/** The effects of a save in order, as the hook hears them. */
export const SAVE_POINTS: readonly string[] = [
  "create folder",
  ...[...PARTS, MANIFEST].flatMap((name) => [`create ${name}`, `fill ${name}`, `sync ${name}`]),
  "sync folder",
  "publish",
  "sync root",
];

/**
 * Saves a checkpoint under `root`. One of the same step and state that verifies is kept as it is; a
 * damaged one of that step is set aside. Refuses as `tooLarge` when the disk is full and as
 * `incompatible` when the step was saved with another state. On any failure before the rename the
 * temporary folder is removed; other checkpoints are never touched.
 */
export async function saveCheckpoint(
  root: string,
  draft: CheckpointDraft,
  options: SaveOptions = {},
): Promise<Saved> {
  const start = performance.now();
  const { step } = draft.manifest;
  if (stateHash(step, draft) !== draft.manifest.stateHash) {
    throw new Error(`Cannot save ${stepName(step)}: its tensors do not match its state hash`);
  }
  await ensureFolder(root);
  const path = join(root, stepName(step));
  const manifest = await standing(path, draft.manifest.stateHash) ??
    await publish(path, { root, draft, options });
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0) +
    new TextEncoder().encode(printManifest(manifest)).length;
  return { path, manifest, bytes, ms: performance.now() - start };
}

/** The manifest of a checkpoint that already stands at `path`, when it can be kept. */
async function standing(path: string, hash: string): Promise<Manifest | undefined> {
  try {
    const { manifest } = await openCheckpoint(path);
    if (manifest.stateHash === hash) return manifest;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (!(error instanceof Damage)) throw error;
    await quarantine(path);
    return undefined;
  }
  throw new Refusal("incompatible", `Cannot save ${path}: it holds another state of that step`);
}

async function publish(
  path: string,
  { root, draft, options }: { root: string; draft: CheckpointDraft; options: SaveOptions },
): Promise<Manifest> {
  const { at, free = freeBytes } = options;
  const tensors = [...draft.model, ...draft.optimizer];
  const bytes = tensors.reduce((sum, { data }) => sum + data.byteLength, 0);
  checkSpace(root, { bytes, free: free(root) });
  const temp = join(root, asideName(PREFIX.writing, stepName(draft.manifest.step)));
  try {
    await at?.("create folder");
    await Deno.mkdir(temp, { mode: 0o750 });
    const manifest = await writeFiles(temp, { draft, at });
    await at?.("sync folder");
    await syncFolder(temp);
    await at?.("publish");
    await Deno.rename(temp, path);
    await at?.("sync root");
    await syncFolder(root);
    return manifest;
  } catch (error) {
    // The error of the save is what counts; a folder that stays is removed at the next start.
    await Deno.remove(temp, { recursive: true }).catch(() => {});
    throw spaceFault(error, root);
  }
}

async function writeFiles(
  folder: string,
  { draft, at }: { draft: CheckpointDraft; at: Hook | undefined },
): Promise<Manifest> {
  const hook = (name: string): Hook => (point) => at?.(`${point} ${name}`);
  const metadata = { step: String(draft.manifest.step) };
  const files = [];
  for (const [name, tensors] of [[PARTS[0], draft.model], [PARTS[1], draft.optimizer]] as const) {
    const options = { metadata, at: hook(name) };
    files.push({ name, ...await writeSafetensors(join(folder, name), tensors, options) });
  }
  const manifest: Manifest = { format: 1, ...draft.manifest, files };
  const text = printManifest(manifest);
  parseManifest(text); // What cannot be read back must not be published.
  await writeNew(join(folder, MANIFEST), [new TextEncoder().encode(text)], { at: hook(MANIFEST) });
  return manifest;
}
