/**
 * The run's journal: decisions and events, one JSON object per line, numbered without gaps across
 * resumes, each with a checksum. A line can be synced before its decision takes effect
 * (write-ahead).
 */
import { named } from "../../base/file_fault.ts";
import { UserError } from "../../base/user_error.ts";
import { readIfAny, syncName, writeTextAtomic } from "../atomic.ts";
import { FileJournal, openAppend } from "./file_journal.ts";
import { parseJournal } from "./journal_lines.ts";
import type { ParsedJournal } from "./journal_lines.ts";
import type { Journal, JournalOptions, JournalWords } from "./types.ts";

export { journalFault, parseJournal } from "./journal_lines.ts";
export type { JournalLine, JournalValue, ParsedJournal } from "./journal_lines.ts";
export type { Journal, JournalEntry, JournalFile, JournalOptions, JournalWords } from "./types.ts";

/**
 * Reads the journal at `path`; without entries if there is no file. A torn last line is ignored.
 * @throws {UserError} `incompatible`, with the given words, if a line is damaged: its decision is
 * unknown, so later ones cannot be trusted.
 */
export function readJournal(path: string, words: JournalWords): ParsedJournal {
  const found = parseJournal(readIfAny(path));
  if (found.fault === undefined) return found;
  throw damaged(path, found.fault, words);
}

/** The error for a damaged journal. */
export function damaged(
  path: string,
  fault: string,
  { doing, since, remedy }: JournalWords,
): UserError {
  return new UserError(
    "incompatible",
    `${doing}: need a whole ${path}, ${since}: ${fault}: ${remedy}`,
  );
}

/**
 * Opens the journal at `path`, creating it if missing, in an existing folder. A torn last line is
 * removed. The caller must hold the run's lock.
 * @throws {UserError} `incompatible` if a line is damaged. @throws the system's errors.
 */
export function openJournal(path: string, options: JournalOptions = {}): Journal {
  const { check, open = openAppend, words = WORDS } = options;
  check?.();
  const text = readIfAny(path);
  const found = parseJournal(text);
  if (found.fault !== undefined) throw damaged(path, found.fault, words);
  if (found.kept !== text) writeTextAtomic(path, found.kept);
  const file = open(path);
  try {
    file.syncSync();
    syncName(path); // Synced lines are lost if the file's name is not on disk.
    return new FileJournal(file, { path, found, options });
  } catch (error) {
    file[Symbol.dispose]();
    throw named(error, path); // The system's error of a sync has no path.
  }
}

const WORDS: JournalWords = {
  doing: "Cannot open a journal",
  since: "of which nothing may be lost",
  remedy: "bring a good copy back, or move it away",
};
