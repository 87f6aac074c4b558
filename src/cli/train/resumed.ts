/** Resolves the path of --resume or --restart: a run's folder, its checkpoints, or one of them. */
import { basename, dirname, join, resolve } from "node:path";
import { hasCode } from "../../base/file_fault.ts";
import { UserError } from "../../base/user_error.ts";
import { fileNamesIn } from "../../checkpoint/files.ts";
import { listCheckpoints } from "../../checkpoint/load.ts";
import { MANIFEST } from "../../checkpoint/manifest.ts";
import { stepOf } from "../../checkpoint/names.ts";
import type { CommandLine } from "../args.ts";

const FOLDER = "checkpoints";

/** A command line with the folder of the run to resume. @throws {UserError} `config` */
export async function settleRun(line: CommandLine): Promise<CommandLine> {
  const { resume, restart, overrides } = line;
  if (resume !== undefined && restart !== undefined) {
    throw new UserError("config", "Cannot take --resume and --restart: need one of them: got both");
  }
  if ((resume ?? restart) !== undefined && overrides["out"] !== undefined) {
    throw new UserError(
      "config",
      `Cannot move a run: --${resume === undefined ? "restart begins" : "resume goes on"} in its ` +
        "folder, leave --out away",
    );
  }
  if (line.followLinks && resume === undefined) {
    throw new UserError(
      "config",
      "Cannot take --follow-links: need --resume, whose folder may hold links: got none",
    );
  }
  if (restart !== undefined) return { ...line, restart: await runOf(restart) };
  return resume === undefined ? line : { ...line, resume: await runOf(resume) };
}

/**
 * The folder of the run that `path` names, by itself, by its folder `checkpoints` or by its newest
 * checkpoint. @throws {UserError} `config` for an older checkpoint, since a run goes on from its newest,
 * and for one that lies in no run.
 */
export async function runOf(path: string): Promise<string> {
  const whole = resolve(path);
  const step = stepOf(basename(whole));
  const names = await namesOf(whole);
  // A run may be called so itself.
  if (basename(whole) === FOLDER && !names.includes("config.json")) return above(path, 1);
  if (step === undefined || !names.includes(MANIFEST)) return path;
  if (basename(dirname(whole)) !== FOLDER) {
    throw new UserError(
      "config",
      `Cannot resume ${path}: need the folder of its run: it is one checkpoint, whose parameters a ` +
        `new run can begin with: --init=${path}`,
    );
  }
  const newest = (await listCheckpoints(dirname(whole)))[0]?.step ?? -1;
  if (step >= newest) return above(path, 2);
  throw new UserError(
    "config",
    `Cannot resume ${path}: need the newest checkpoint of ${above(path, 2)}, which is of step ` +
      `${newest}: --resume=${above(path, 2)} goes on from there, and --init=${path} begins a new ` +
      "run with these parameters",
  );
}

/** The folder so many levels above `path`, as the caller wrote it. */
function above(path: string, levels: number): string {
  const up = join(path, ...Array.from({ length: levels }, () => ".."));
  // Names that are not spelt out, as in `.`, cannot be shortened as text.
  return /(^|[/\\])\.\.?[/\\]*$/.test(path) ? resolve(up) : up;
}

async function namesOf(path: string): Promise<string[]> {
  try {
    return await fileNamesIn(path);
  } catch (error) {
    if (hasCode(error, "ENOTDIR")) return [];
    throw error;
  }
}
