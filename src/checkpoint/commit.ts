/**
 * Publishes a checkpoint at once or not at all, whatever dies on the way: files are written and
 * synced in a hidden folder, the manifest last, and one rename makes them a checkpoint.
 * Needs the lock of the run; knows nothing of retention.
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
import { Ruined, ruinedName, ruinOf } from "./ruined.ts";
import { writeSafetensors } from "./tensors/safetensors.ts";
import { checkSpace, freeBytes, spaceFault } from "./space.ts";
import { stateHashInTurns } from "./state_hash.ts";
import type { NamedTensor } from "./tensors/tensor.ts";
import { openCheckpoint } from "./verify.ts";

/** What a checkpoint is made of. The tensors must not change while it is saved. */
export interface CheckpointDraft {
  readonly manifest: ManifestDraft;
  readonly model: readonly NamedTensor[];
  readonly optimizer: readonly NamedTensor[];
  /** Why it is known to be ruined, though its numbers may be finite; undefined where it is not. */
  readonly ruin?: string | undefined;
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
  readonly disk?: Disk;
}

/** The effects of a save in order, as the hook hears them. */
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
 * Saves a checkpoint under `root`, with the hash of its state in the manifest that it gives back.
 * Hashing and writing leave other work its turn. One of the same step and state that verifies is kept as it is; a
 * damaged one of that step is set aside. Refuses as `tooLarge` when the disk is full and as
 * `incompatible` when the step was saved with another state. On any failure before the rename the
 * temporary folder is removed; other checkpoints are never touched.
 * @throws {Ruined} for a state that is not finite: it is kept under another name, where there is room.
 */
export async function saveCheckpoint(
  root: string,
  draft: CheckpointDraft,
  options: SaveOptions = {},
): Promise<Saved> {
  const start = performance.now();
  const { at, free = freeBytes, disk = DISK } = options;
  const { step } = draft.manifest;
  const hash = await stateHashInTurns(step, draft);
  await ensureFolder(root, disk);
  const save = { root, draft, hash, at, free, disk };
  const ruin = draft.ruin ?? await ruinOf([...draft.model, ...draft.optimizer]);
  if (ruin !== undefined) throw new Ruined(ruin, await keepRuined(save));
  const path = join(root, stepName(step));
  const standing = await standingAt(path, { hash, disk });
  // Its name may not be on disk yet: the sync may be what the save before failed at.
  if (standing !== undefined) await disk.syncFolder(root);
  const manifest = standing ?? await publish(path, save);
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0) +
    new TextEncoder().encode(printManifest(manifest)).length;
  return { path, manifest, bytes, ms: performance.now() - start };
}

/** The manifest of a checkpoint that already stands at `path`, when it can be kept. */
async function standingAt(
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

/** A save with all that it needs. */
interface Save {
  readonly root: string;
  readonly draft: CheckpointDraft;
  readonly hash: string;
  readonly at: Hook | undefined;
  readonly free: (path: string) => number;
  readonly disk: Disk;
}

/** Keeps a ruined state; gives its folder, or undefined when the disk does not take it. */
async function keepRuined(save: Save): Promise<string | undefined> {
  const { root, draft, disk } = save;
  const path = join(root, ruinedName(stepName(draft.manifest.step)));
  try {
    // An attempt before may have ended in the same way.
    if ((await fileNamesIn(root)).includes(basename(path))) await disk.remove(path);
    await publish(path, save);
    return path;
  } catch (error) {
    // That the state is ruined says more than that there is no room for it.
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
    // The error of the save is what counts; a folder that stays is removed at the next start.
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
  parseManifest(text); // What cannot be read back must not be published.
  const options = { at: hook(MANIFEST), disk };
  await writeNew(join(folder, MANIFEST), [new TextEncoder().encode(text)], options);
  return manifest;
}
