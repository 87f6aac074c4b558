/**
 * The run's journal: decisions and events, one JSON object per line, numbered without gaps across
 * resumes, each with a checksum. A line can be synced before its decision takes effect (write-ahead).
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
 * Reads the journal at `path`; one without entries where there is none. @throws {UserError}
 * `incompatible`, with its words, when a line is damaged: what it decided is not known, and nothing is
 * decided without it. Only a torn last line is none of it.
 */
export function readJournal(path: string, words: JournalWords): ParsedJournal {
  const found = parseJournal(readIfAny(path));
  if (found.fault === undefined) return found;
  throw damaged(path, found.fault, words);
}

/** The refusal for a journal with a fault. */
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
 * Opens the journal at `path`, made where there is none, in a folder that is there. A torn last line
 * is cut off. Needs the run's lock. Throws what the system throws, and a Refusal where a line is damaged.
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
    syncName(path); // A synced line is worth nothing in a file without a name.
    return new FileJournal(file, { path, found, options });
  } catch (error) {
    file[Symbol.dispose]();
    throw named(error, path); // A sync names none.
  }
}

const WORDS: JournalWords = {
  doing: "Cannot open a journal",
  since: "of which nothing may be lost",
  remedy: "bring a good copy back, or move it away",
};
