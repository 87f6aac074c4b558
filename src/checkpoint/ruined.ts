/**
 * States that are not finite. They are never checkpoints: no run resumes from one, and retention does
 * not count them. They are kept beside the checkpoints for diagnosis.
 */
import { basename, dirname, join } from "node:path";
import { Damage } from "./damage.ts";
import { DISK, type Disk } from "./disk.ts";
import { fileNamesIn } from "./files.ts";
import { inTurns } from "./tensors/pieces.ts";
import { type NamedTensor, nonFiniteTensors } from "./tensors/tensor.ts";

/** What is wrong with a state whose numbers are not finite. */
export class Ruined extends Damage {
  /** Where the state is kept; undefined where it is not. */
  readonly kept: string | undefined;

  /** The reason as one clause, and where the state is kept. */
  constructor(reason: string, kept?: string) {
    super(reason);
    this.kept = kept;
  }
}

/** Why a state is ruined, or undefined when all of it is finite; other work gets its turn meanwhile. */
export async function ruinOf(tensors: Iterable<NamedTensor>): Promise<string | undefined> {
  const found = await inTurns(nonFiniteTensors(tensors));
  return found && `its state is not finite: ${found.name}[${found.index}] is ${found.value}`;
}

/** Folder of a ruined state: no checkpoint has such a name. */
export function ruinedName(name: string): string {
  return `${name}.ruined`;
}

/** Renames a checkpoint whose state is ruined, in place of an older one of that step. */
export async function setRuinedAside(path: string, disk: Disk = DISK): Promise<string> {
  const name = ruinedName(basename(path));
  const to = join(dirname(path), name);
  if ((await fileNamesIn(dirname(path))).includes(name)) await disk.remove(to);
  await disk.rename(path, to);
  return to;
}
