/**
 * Publishes a checkpoint atomically, also across a crash: files are written and fsynced in a hidden
 * folder, the manifest last, then one rename publishes them. The caller must hold the run's lock.
 */
import { basename, join } from "node:path";
import { hasCode } from "../base/file_fault.ts";
import { isLockLost, UserError } from "../base/user_error.ts";
import { Damage } from "./damage.ts";
import { DISK, type Disk } from "./disk.ts";
import { ensureFolder, fileNamesIn, type Hook, writeNew } from "./files.ts";
import { quarantine } from "./load.ts";
import {
  completeManifest,
  MANIFEST,
  type Manifest,
  MANIFEST_PARTS,
  type ManifestDraft,
  parseManifest,
  printManifest,
} from "./manifest.ts";
import { asideName, STEP_PREFIX, stepName } from "./names.ts";
import { nonFiniteName, nonFiniteReason, NonFiniteState } from "./non_finite.ts";
import { writeSafetensors } from "./tensors/safetensors.ts";
import { checkSpace, freeBytes, spaceFault } from "./space.ts";
import { stateHashAsync } from "./state_hash.ts";
import type { NamedTensor } from "./tensors/tensor.ts";
import { openCheckpoint } from "./verify.ts";

/** The contents of a checkpoint. The tensors must not change while it is saved. */
export interface CheckpointDraft {
  readonly manifest: ManifestDraft;
  readonly model: readonly NamedTensor[];
  readonly optimizer: readonly NamedTensor[];
  /** Why the state is known to be bad although its values may be finite. */
  readonly ruin?: string | undefined;
}

/** A checkpoint on disk: `bytes` of all its files, `ms` of the whole save. */
export interface Saved {
  readonly path: string;
  readonly manifest: Manifest;
  readonly bytes: number;
  readonly ms: number;
}

/** For tests: a hook before each effect, the free space, the disk. */
export interface SaveOptions {
  readonly at?: Hook;
  readonly free?: (path: string) => number;
  readonly disk?: Disk;
}

/** The effects of a save in order, as passed to the hook. */
export const SAVE_POINTS: readonly string[] = [
  "create folder",
  ...[...MANIFEST_PARTS, MANIFEST].flatMap((
    name,
  ) => [`create ${name}`, `fill ${name}`, `sync ${name}`]),
  "sync folder",
  "publish",
  "sync root",
];

/**
 * Saves a checkpoint under `root`; the returned manifest has the state's hash. Hashing and writing
 * yield to the event loop. A verified checkpoint of the same step and state is kept; a damaged one
 * of that step is set aside. A failure before the rename removes the temporary folder; other
 * checkpoints are never changed.
 * @throws {UserError} `tooLarge` if the disk is full, `incompatible` if the step exists with
 * another state.
 * @throws {NonFiniteState} if the state is not finite: it is kept under another name if there is
 * room.
 */
export async function saveCheckpoint(
  root: string,
  draft: CheckpointDraft,
  options: SaveOptions = {},
): Promise<Saved> {
  const start = performance.now();
  const { at, free = freeBytes, disk = DISK } = options;
  const { step } = draft.manifest;
  const hash = await stateHashAsync(step, draft);
  await ensureFolder(root, disk);
  const save = { root, draft, hash, at, free, disk };
  const ruin = draft.ruin ?? await nonFiniteReason([...draft.model, ...draft.optimizer]);
  if (ruin !== undefined) throw new NonFiniteState(ruin, await keepRuined(save));
  const path = join(root, stepName(step));
  const existing = await existingAt(path, { hash, disk });
  // Sync its name: the previous save may have failed at exactly that.
  if (existing !== undefined) await disk.syncFolder(root);
  const manifest = existing ?? await publish(path, save);
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0) +
    new TextEncoder().encode(printManifest(manifest)).length;
  return { path, manifest, bytes, ms: performance.now() - start };
}

/** The manifest of an existing checkpoint at `path` that can be kept. */
async function existingAt(
  path: string,
  { hash, disk }: { hash: string; disk: Disk },
): Promise<Manifest | undefined> {
  try {
    const { manifest } = await openCheckpoint(path);
    if (manifest.stateHash === hash) return manifest;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    if (!(error instanceof Damage)) throw error;
    await quarantine(path, disk);
    return undefined;
  }
  throw new UserError("incompatible", `Cannot save ${path}: it holds another state of that step`);
}

/** A save in progress. */
interface Save {
  readonly root: string;
  readonly draft: CheckpointDraft;
  readonly hash: string;
  readonly at: Hook | undefined;
  readonly free: (path: string) => number;
  readonly disk: Disk;
}

/** Keeps a state that is not finite; its folder, or undefined if it cannot be written. */
async function keepRuined(save: Save): Promise<string | undefined> {
  const { root, draft, disk } = save;
  const path = join(root, nonFiniteName(stepName(draft.manifest.step)));
  try {
    // An earlier attempt may have kept one too.
    if ((await fileNamesIn(root)).includes(basename(path))) await disk.remove(path);
    await publish(path, save);
    return path;
  } catch (error) {
    // Report the state rather than the full disk.
    if (isLockLost(error)) throw error;
    return undefined;
  }
}

async function publish(path: string, save: Save): Promise<Manifest> {
  const { root, draft, at, free, disk } = save;
  const tensors = [...draft.model, ...draft.optimizer];
  const bytes = tensors.reduce((sum, { data }) => sum + data.byteLength, 0);
  checkSpace(root, { bytes, free: free(root) });
  const temp = join(root, asideName(STEP_PREFIX.writing, stepName(draft.manifest.step)));
  try {
    await at?.("create folder");
    await disk.makeFolder(temp);
    const manifest = await writeFiles(temp, save);
    await at?.("sync folder");
    await disk.syncFolder(temp);
    await at?.("publish");
    await disk.rename(temp, path);
    await at?.("sync root");
    await disk.syncFolder(root);
    return manifest;
  } catch (error) {
    // Report the save's own error; the next start removes a folder that stays.
    await disk.remove(temp).catch(() => {});
    throw spaceFault(error, root);
  }
}

async function writeFiles(folder: string, { draft, hash, at, disk }: Save): Promise<Manifest> {
  const hook = (name: string): Hook => (point) => at?.(`${point} ${name}`);
  const metadata = { step: String(draft.manifest.step) };
  const files = [];
  for (
    const [name, tensors] of [[MANIFEST_PARTS[0], draft.model], [
      MANIFEST_PARTS[1],
      draft.optimizer,
    ]] as const
  ) {
    const options = { metadata, at: hook(name), disk };
    files.push({ name, ...await writeSafetensors(join(folder, name), tensors, options) });
  }
  const manifest = completeManifest(draft.manifest, { stateHash: hash, files });
  const text = printManifest(manifest);
  parseManifest(text); // Never publish a manifest that cannot be read.
  const options = { at: hook(MANIFEST), disk };
  await writeNew(join(folder, MANIFEST), [new TextEncoder().encode(text)], options);
  return manifest;
}
