/**
 * Training states with NaN or infinite values. They are kept next to the checkpoints for diagnosis,
 * but no run resumes from one, and retention does not count them.
 */
import { basename, dirname, join } from "node:path";
import { Damage } from "./damage.ts";
import { DISK, type Disk } from "./disk.ts";
import { fileNamesIn } from "./files.ts";
import { runYielding } from "./tensors/chunks.ts";
import { type NamedTensor, nonFiniteTensors } from "./tensors/tensor.ts";

/** A state that is not finite. */
export class NonFiniteState extends Damage {
  /** The folder that keeps the state; undefined if it was not kept. */
  readonly kept: string | undefined;

  /** `reason`: one clause. */
  constructor(reason: string, kept?: string) {
    super(reason);
    this.kept = kept;
  }
}

/** The first value that is not finite, as a reason, or undefined. Yields to the event loop. */
export async function nonFiniteReason(tensors: Iterable<NamedTensor>): Promise<string | undefined> {
  const found = await runYielding(nonFiniteTensors(tensors));
  return found && `its state is not finite: ${found.name}[${found.index}] is ${found.value}`;
}

/** Folder of a state that is not finite; no checkpoint has such a name. */
export function nonFiniteName(name: string): string {
  return `${name}.ruined`;
}

/** Renames a checkpoint whose state is not finite; replaces an earlier one of that step. */
export async function setNonFiniteAside(path: string, disk: Disk = DISK): Promise<string> {
  const name = nonFiniteName(basename(path));
  const to = join(dirname(path), name);
  if ((await fileNamesIn(dirname(path))).includes(name)) await disk.remove(to);
  await disk.rename(path, to);
  return to;
}
