/**
 * The run's journal: what was decided and what happened, one JSON object per line, numbered without
 * a gap over all resumes, each with a checksum. A line may be on disk before its decision takes
 * effect. Kinds of entries and their meaning are the caller's.
 */
import { joinedBytes } from "../../base/bytes.ts";
import { named } from "../../base/file_fault.ts";
import { isLockLost, UserError } from "../../base/user_error.ts";
import { writeAllSync } from "../../base/write_all.ts";
import { setAside } from "../aside.ts";
import { readIfAny, syncName, writeTextAtomic } from "../atomic.ts";
import { parseJournal, printLine } from "./journal_lines.ts";
import type { JournalLine, JournalValue, ParsedJournal } from "./journal_lines.ts";
import { cannotWrite, isAt, openPlain } from "../plain_file.ts";

export { journalFault, parseJournal } from "./journal_lines.ts";
export type { JournalLine, JournalValue, ParsedJournal } from "./journal_lines.ts";

/** Bytes that wait at most while the file cannot be written; newer entries are dropped. */
const PENDING_LIMIT = 2 ** 20;

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

class FileJournal implements Journal {
  readonly entries: readonly JournalLine[];
  #file: JournalFile;
  readonly #open: (path: string) => JournalFile;
  readonly #path: string;
  readonly #now: () => number;
  readonly #warn: ((text: string) => void) | undefined;
  readonly #check: (() => void) | undefined;
  #seq: number;
  /** What the checksum of the next line goes on from. */
  #crc: number;
  /** Whole lines that are not in the file yet. */
  #pending = new Uint8Array();
  #warned = false;
  /** Whether the file belongs to another process now. */
  #isLost = false;
  #dropped = 0;
  /** A sync failed: the system may have dropped what it did not write, and will not say so again. */
  #isUnsure = false;
  /** The file that is open may not be the one at the path. */
  #isReplaced = false;
  /** Set once the end of the file is not known any more: nothing is appended to that. */
  #broken: unknown;

  constructor(
    file: JournalFile,
    { path, found: { entries, crc }, options }: {
      path: string;
      found: ParsedJournal;
      options: JournalOptions;
    },
  ) {
    this.#file = file;
    this.#open = options.open ?? openAppend;
    this.#path = path;
    this.entries = entries;
    this.#seq = entries.length;
    this.#crc = crc;
    this.#warn = options.warn;
    this.#check = options.check;
    this.#now = options.now ?? (() => performance.now());
  }

  write(entry: JournalEntry, { sync = false }: { readonly sync?: boolean } = {}): void {
    const before = { pending: this.#pending, seq: this.#seq, crc: this.#crc };
    const { line, crc } = this.#print(entry);
    // What is dropped takes no number, so that there is never a gap.
    if (!sync && this.#pending.length + line.length > PENDING_LIMIT) {
      this.#dropped++;
      return this.#fail("too much waits");
    }
    this.#pending = joinedBytes(this.#pending, line);
    this.#seq++;
    this.#crc = crc;
    try {
      this.#flush(sync);
    } catch (error) {
      if (sync) {
        this.#pending = before.pending;
        this.#seq = before.seq;
        this.#crc = before.crc;
        throw error;
      }
      this.#fail(error);
    }
  }

  sync(): void {
    try {
      this.#flush(true);
    } catch (error) {
      this.#fail(error);
    }
  }

  #print(entry: JournalEntry): { line: Uint8Array; crc: number } {
    const at = Math.round(this.#now()) / 1000;
    const stamp = { seq: this.#seq, at, time: new Date().toISOString() };
    const { line, crc } = printLine({ ...stamp, ...entry, ...stamp }, this.#crc);
    return { line: new TextEncoder().encode(line + "\n"), crc };
  }

  /** Writes all that waits, or leaves the file as it was. */
  #flush(sync: boolean): void {
    if (this.#broken !== undefined) throw this.#broken;
    this.#check?.();
    if (this.#isReplaced) this.#reopen();
    if (!isAt(this.#path, this.#file)) this.#restore();
    if (sync && this.#isUnsure) this.#renew();
    const { size } = this.#file.statSync();
    try {
      writeAllSync(this.#file, this.#pending);
      if (sync) this.#sync();
      this.#pending = new Uint8Array();
    } catch (error) {
      this.#cut(size);
      throw error;
    }
  }

  #sync(): void {
    try {
      this.#file.syncSync();
    } catch (error) {
      this.#isUnsure = true;
      throw error;
    }
  }

  /** Writes all lines into a new file: only its sync says that they are on disk. */
  #renew(): void {
    // If this fails half way, the new file may or may not be at the path.
    this.#isReplaced = true;
    writeTextAtomic(this.#path, readIfAny(this.#path));
    this.#isUnsure = false;
    this.#reopen();
  }

  /**
   * Writes all lines to a new file at the path, where another file or none is: the open file has no
   * name any more and is lost when the process ends. A file at the path is kept under another name.
   */
  #restore(): void {
    const text = new TextDecoder().decode(wholeOf(this.#file));
    const aside = setAside(this.#path);
    writeTextAtomic(this.#path, text);
    this.#reopen();
    const state = aside === undefined ? "it was gone" : `what lay there is kept as ${aside}`;
    this.#warn?.(`${this.#path} was written anew: ${state}`);
  }

  /** Opens the file at the path. Without it, lines would go to a file that has no name any more. */
  #reopen(): void {
    const file = this.#open(this.#path);
    this.#file[Symbol.dispose]();
    this.#file = file;
    this.#isReplaced = false;
  }

  #cut(size: number): void {
    try {
      this.#file.truncateSync(size);
    } catch (error) {
      this.#broken = error;
    }
  }

  #fail(error: unknown): void {
    if (isLockLost(error)) {
      // The run ends by this, and the loss of the lock is reported once.
      this.#isLost = true;
      return;
    }
    if (!this.#warned) this.#warn?.(cannotWrite(this.#path, error));
    this.#warned = true;
  }

  [Symbol.dispose](): void {
    try {
      if (this.#pending.length > 0) this.#flush(false);
    } catch (error) {
      this.#fail(error);
      this.#dropped += linesIn(this.#pending);
    } finally {
      if (this.#dropped > 0 && !this.#isLost) {
        const lines = `${this.#dropped} ${this.#dropped === 1 ? "line" : "lines"}`;
        this.#warn?.(`${this.#path} lacks ${lines}: see above`);
      }
      this.#file[Symbol.dispose]();
    }
  }
}

function openAppend(path: string): Deno.FsFile {
  return openPlain(path, { read: true, append: true, create: true, mode: 0o640 });
}

/** All bytes of an open file. */
function wholeOf(file: JournalFile): Uint8Array {
  const bytes = new Uint8Array(file.statSync().size);
  file.seekSync(0, Deno.SeekMode.Start);
  let n = 0;
  for (let got: number | null = 0; n < bytes.length && got !== null; n += got ?? 0) {
    got = file.readSync(bytes.subarray(n));
  }
  return bytes.subarray(0, n);
}

function linesIn(bytes: Uint8Array): number {
  return bytes.reduce((lines, byte) => byte === 10 ? lines + 1 : lines, 0);
}
