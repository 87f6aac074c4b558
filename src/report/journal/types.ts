/** Types of a journal: entries, options, and the operations on its file. */
import type { JournalLine, JournalValue } from "./journal_lines.ts";

/** An entry to write; the journal adds `crc32`, `seq`, `at` and `time`. */
export interface JournalEntry {
  readonly kind: string;
  readonly seq?: never;
  readonly at?: never;
  readonly time?: never;
  readonly crc32?: never;
  readonly [key: string]: JournalValue | undefined;
}

/** A journal open for writing; disposing it closes the file. */
export interface Journal extends Disposable {
  /** The entries that it had when it was opened. */
  readonly entries: readonly JournalLine[];
  /**
   * Appends an entry. With `sync` it is on disk on return; if this throws, the entry is not part of
   * the journal. Without `sync`, an entry that cannot be written is buffered and retried with the
   * next one.
   */
  write(entry: JournalEntry, options?: { readonly sync?: boolean }): void;
  /** Syncs all entries. On an error, warns and keeps the entries buffered. */
  sync(): void;
}

/** Options of a journal. */
export interface JournalOptions {
  /** Called once when writing fails, and at the end if lines were lost. */
  readonly warn?: (text: string) => void;
  /** The words of the error for a damaged line. */
  readonly words?: JournalWords;
  /** Milliseconds of a monotonic clock. Default: the time since the process started. */
  readonly now?: () => number;
  /**
   * Called before each change of the file. A `locked` error means that another process owns the
   * file now; it is reported where it ends the run.
   */
  readonly check?: () => void;
  /** Opens the file to append; tests inject faults here. */
  readonly open?: (path: string) => JournalFile;
}

/** The operations on a journal's file. */
export type JournalFile =
  & Pick<
    Deno.FsFile,
    "readSync" | "seekSync" | "writeSync" | "syncSync" | "statSync" | "truncateSync"
  >
  & Disposable;

/** The words of an error about a damaged journal. */
export interface JournalWords {
  /** The failed action: "Cannot resume runs/a". */
  readonly doing: string;
  /** Why the lines are needed: "which says what steps to pass over". */
  readonly since: string;
  /** What the user can do. */
  readonly remedy: string;
}
