/**
 * Finds the newest checkpoint that verifies. A damaged one is set aside, never repaired.
 */
import { basename, dirname, join } from "node:path";
import { fileFault, hasCode } from "../base/file_fault.ts";
import { UserError } from "../base/user_error.ts";
import { Damage, Unfit, Unreachable } from "./damage.ts";
import { DISK, type Disk } from "./disk.ts";
import { fileNamesIn } from "./files.ts";
import { asideName, STEP_PREFIX, stepOf } from "./names.ts";
import { NonFiniteState, setNonFiniteAside } from "./non_finite.ts";
import { type Checkpoint, openCheckpoint } from "./verify.ts";

/** A folder with a checkpoint's name; its contents are not verified. */
export interface Listed {
  readonly step: number;
  readonly path: string;
}

/** Treatment of checkpoints that fail. */
export interface LoadOptions {
  /** Called for each damaged checkpoint: its path before it was set aside, and why. */
  readonly onSkip: (path: string, reason: string, error: unknown) => void;
  /** Whether to rename damaged checkpoints, which needs the lock. Default true. */
  readonly quarantine?: boolean;
  /** Throws Unfit for a checkpoint that verifies and does not fit the run. */
  readonly judge?: (checkpoint: Checkpoint) => void | Promise<void>;
  readonly disk?: Disk;
}

/** Checkpoints under `root`, newest first; none if there is no such folder. */
export async function listCheckpoints(root: string): Promise<Listed[]> {
  return (await fileNamesIn(root)).flatMap((name) => {
    const step = stepOf(name);
    return step === undefined ? [] : [{ step, path: join(root, name) }];
  }).sort((a, b) => b.step - a.step);
}

/**
 * The newest checkpoint under `root` that verifies.
 * @throws {UserError} `config` if there is none, `incompatible` if none verifies and fits,
 * `noInput` if one may not be read. With quarantine also `noInput` for a dangling link: its disk
 * may be mounted later, so its steps must not be trained again.
 */
export async function loadNewest(root: string, options: LoadOptions): Promise<Checkpoint> {
  const { quarantine: sets = true, judge = () => {}, disk = DISK } = options;
  const listed = await listCheckpoints(root);
  if (listed.length === 0) throw new UserError("config", `No checkpoint to resume from in ${root}`);
  const unfit: { readonly path: string; readonly reason: string }[] = [];
  for (const { path } of listed) {
    let found: Checkpoint | undefined;
    try {
      found = await openCheckpoint(path);
      await judge(found);
    } catch (error) {
      found = undefined;
      const reason = reasonOf(error, path);
      if (sets && error instanceof Unreachable) {
        throw new UserError(
          "noInput",
          `Cannot read checkpoint ${path}: need what its links lead to: ${reason}`,
        );
      }
      options.onSkip(path, reason, error);
      if (error instanceof Unfit) unfit.push({ path, reason });
      else if (sets) {
        await (error instanceof NonFiniteState
          ? setNonFiniteAside(path, disk)
          : quarantine(path, disk));
      }
    }
    if (found === undefined) continue;
    for (const { path } of sets ? unfit : []) await quarantine(path, disk);
    return found;
  }
  const [first] = unfit;
  if (first !== undefined) {
    throw new UserError("incompatible", `Cannot use checkpoint ${first.path}: ${first.reason}`);
  }
  throw new UserError(
    "incompatible",
    `No checkpoint in ${root} verifies: ${listed.length} are damaged`,
  );
}

/** Why a checkpoint is skipped. Rethrows errors that are not the checkpoint's fault. */
function reasonOf(error: unknown, path: string): string {
  if (error instanceof Damage) return error.message;
  // Without the lock, the run that owns the folder may remove a checkpoint concurrently.
  if (hasCode(error, "ENOENT")) return "It vanished while it was read";
  throw fileFault(error, { doing: "read checkpoint", path });
}

/** Renames a damaged checkpoint so that it is never loaded again; returns its new path. */
export async function quarantine(path: string, disk: Disk = DISK): Promise<string> {
  const to = join(dirname(path), asideName(STEP_PREFIX.damaged, basename(path)));
  await disk.rename(path, to);
  return to;
}
