/**
 * Finds the newest checkpoint that can be trusted; a damaged one is set aside, never repaired.
 * Knows nothing of whether the checkpoint fits the run that asks for it.
 */
import { basename, dirname, join } from "node:path";
import { fileFault, hasCode } from "../base/file_fault.ts";
import { UserError } from "../base/user_error.ts";
import { Damage, Unfit, Unreachable } from "./damage.ts";
import { DISK, type Disk } from "./disk.ts";
import { fileNamesIn } from "./files.ts";
import { asideName, STEP_PREFIX, stepOf } from "./names.ts";
import { Ruined, setRuinedAside } from "./ruined.ts";
import { type Checkpoint, openCheckpoint } from "./verify.ts";

/** A folder that has a checkpoint's name; nothing in it was checked. */
export interface Listed {
  readonly step: number;
  readonly path: string;
}

/** How to treat checkpoints that fail. */
export interface LoadOptions {
  /** Told about each damaged checkpoint: its path before it was set aside, and why. */
  readonly onSkip: (path: string, reason: string, error: unknown) => void;
  /** Renames damaged checkpoints (the default). Needs the lock; without it pass false. */
  readonly quarantine?: boolean;
  /** Throws Unfit for a checkpoint that verifies and does not fit. */
  readonly judge?: (checkpoint: Checkpoint) => void;
  /** What renames them. */
  readonly disk?: Disk;
}

/** Checkpoints under `root`, newest first; none where there is no such folder. */
export async function listCheckpoints(root: string): Promise<Listed[]> {
  return (await fileNamesIn(root)).flatMap((name) => {
    const step = stepOf(name);
    return step === undefined ? [] : [{ step, path: join(root, name) }];
  }).sort((a, b) => b.step - a.step);
}

/**
 * The newest checkpoint under `root` that verifies. Refuses as `config` when there is none at all,
 * as `incompatible` when none verifies and fits, as `noInput` when one may not be read, or is a link
 * that leads nowhere while damaged ones are set aside: its disk may be mounted later, and its steps must
 * not be done again.
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
      judge(found);
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
        await (error instanceof Ruined ? setRuinedAside(path, disk) : quarantine(path, disk));
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

/** Why a checkpoint is to be skipped. Throws on where the checkpoint is not to blame. */
function reasonOf(error: unknown, path: string): string {
  if (error instanceof Damage) return error.message;
  // Without the lock the run that owns it may remove a checkpoint meanwhile.
  if (hasCode(error, "ENOENT")) return "It vanished while it was read";
  throw fileFault(error, { doing: "read checkpoint", path });
}

/** Renames a damaged checkpoint so that it is never loaded again, and gives its new path. */
export async function quarantine(path: string, disk: Disk = DISK): Promise<string> {
  const to = join(dirname(path), asideName(STEP_PREFIX.damaged, basename(path)));
  await disk.rename(path, to);
  return to;
}
