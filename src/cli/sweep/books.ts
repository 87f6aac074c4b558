/** Opens the folder of a sweep: lock, sweep file, journal and table of trials. */
import { join } from "node:path";
import { lockRun, type RunLock } from "../../checkpoint/lock/lock.ts";
import { type PathKinds, requirePathKinds } from "../../checkpoint/path_kinds.ts";
import { readIfAny, unshare, writeJsonAtomic, writeTextAtomic } from "../../report/atomic.ts";
import { type Journal, openJournal } from "../../report/journal/journal.ts";
import { added, type Stored } from "../../sweep/changes.ts";
import { csv, jsonLines, type TrialRow } from "../../sweep/rows.ts";
import type { Sweep } from "../../sweep/schema.ts";
import type { Trial } from "../../sweep/types.ts";
import { requireOwn } from "../../artifacts/folder_owner.ts";
import { parseJsonText } from "../../base/text/json.ts";
import { UserError } from "../../base/user_error.ts";
import { warn } from "../../base/text/say.ts";

/** What a sweep writes to under names that stay. */
const PLACES: PathKinds = {
  files: ["sweep.json", "sweep.jsonl", "trials.jsonl", "trials.csv"],
  folders: ["trials"],
};

/** An open folder; disposing it frees it. */
export interface Books extends Disposable {
  readonly out: string;
  readonly journal: Journal;
  /** Trials that the folder did not have. */
  readonly added: number;
  /** Call it right before each effect on the folder. @throws {UserError} `locked` once it is another's. */
  check(): void;
  /** Aborted once a check has found that. */
  readonly lost: AbortSignal;
  /** The folder of a trial. */
  folder(key: string): string;
  /** Replaces trials.jsonl and trials.csv. */
  write(rows: readonly TrialRow[]): void;
}

/** Opens the folder of a sweep, made where there is none. @throws {UserError} when it is another's. */
export async function openBooks(
  out: string,
  { sweep, trials }: { sweep: Sweep; trials: readonly Trial[] },
): Promise<Books> {
  requireOwn(out, { own: "a sweep", doing: "Cannot start in" });
  requirePathKinds(out, PLACES, { doing: "Cannot sweep in" });
  const lock = await lockRun(out);
  try {
    const now: Stored = { sweep, trials: trials.map(({ key }) => key) };
    const count = added(out, storedIn(out), now);
    writeJsonAtomic(join(out, "sweep.json"), now);
    unshare(join(out, "sweep.jsonl"));
    const check = () => lock.check();
    const journal = openJournal(join(out, "sweep.jsonl"), {
      warn,
      check,
      words: {
        doing: `Cannot sweep in ${out}`,
        since: "which says what was decided",
        remedy:
          "bring a good copy back, or move it away: trials that have ended stay as they are, " +
          "and what is open is decided anew",
      },
    });
    return books(out, { lock, journal, added: count });
  } catch (error) {
    lock.removeUnused();
    lock[Symbol.dispose]();
    throw error;
  }
}

function books(
  out: string,
  { lock, journal, added }: { lock: RunLock; journal: Journal; added: number },
): Books {
  return {
    out,
    journal,
    added,
    check: () => lock.check(),
    lost: lock.lost,
    folder: (key) => join(out, "trials", key),
    write(rows) {
      lock.check();
      writeTextAtomic(join(out, "trials.jsonl"), jsonLines(rows));
      writeTextAtomic(join(out, "trials.csv"), csv(rows));
    },
    [Symbol.dispose]() {
      journal[Symbol.dispose]();
      lock[Symbol.dispose]();
    },
  };
}

function storedIn(out: string): Stored | undefined {
  const path = join(out, "sweep.json");
  const text = readIfAny(path);
  if (text === "") return undefined;
  try {
    const { sweep, trials } = Object(parseJsonText(text));
    if (Array.isArray(trials)) return { sweep, trials: trials.map(String) };
  } catch {
    // Said below.
  }
  throw new UserError(
    "data",
    `Cannot sweep in ${out}: need a whole sweep.json there: it is damaged`,
  );
}
