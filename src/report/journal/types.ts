/** Types of a journal: entries, options, and the operations on its file. */
import type { JournalLine, JournalValue } from "./journal_lines.ts";

/** What a caller writes; the journal adds `crc32`, `seq`, `at` and `time`. */
export interface JournalEntry {
  readonly kind: string;
  readonly seq?: never;
  readonly at?: never;
  readonly time?: never;
  readonly crc32?: never;
  readonly [key: string]: JournalValue | undefined;
}

/** A journal that is open for writing; disposing it closes the file. */
export interface Journal extends Disposable {
  /** The entries that stood in it when it was opened. */
  readonly entries: readonly JournalLine[];
  /**
   * Appends an entry. With `sync` it is on disk when this returns, or this throws and it is not
   * part of the journal. Without, a fault in writing only lets the entry wait for the next one.
   */
  write(entry: JournalEntry, options?: { readonly sync?: boolean }): void;
  /** Brings all entries so far to the disk. A fault is warned of, and the entries wait. */
  sync(): void;
}

/** What may be told apart from the file. */
export interface JournalOptions {
  /** Told once when writing fails, and at the end of lines that were lost by it. */
  readonly warn?: (text: string) => void;
  /** What is said where a line is damaged. */
  readonly words?: JournalWords;
  /** Milliseconds on a clock that never goes back; the time since the process started. */
  readonly now?: () => number;
  /**
   * Called before each change of the file; a `locked` refusal says that it belongs to another process
   * now, which is told where it ends this one.
   */
  readonly check?: () => void;
  /** Opens the file to append; for tests of faults. */
  readonly open?: (path: string) => JournalFile;
}

/** What a journal needs of its file. */
export type JournalFile =
  & Pick<
    Deno.FsFile,
    "readSync" | "seekSync" | "writeSync" | "syncSync" | "statSync" | "truncateSync"
  >
  & Disposable;

/** What is said of a journal that is damaged. */
export interface JournalWords {
  /** What cannot be done: "Cannot resume runs/a". */
  readonly doing: string;
  /** What the lines decide: "which says what steps to pass over". */
  readonly since: string;
  /** What to do about it. */
  readonly remedy: string;
}
