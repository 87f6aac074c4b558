/**
 * The run's journal: what was decided and what happened, one JSON object per line, numbered without
 * a gap over all resumes. A line may be on disk before its decision takes effect. It knows no
 * kinds of entries and what none of them mean.
 */
import { dirname } from "node:path";
import { reasonOf } from "../base/file_fault.ts";
import { isLockLost } from "../base/refusal.ts";
import { freeName } from "./aside.ts";
import { readIfAny, writeTextAtomic } from "./atomic.ts";
import { endedLines, parseJournal } from "./journal_lines.ts";
import type { JournalLine, Plain } from "./journal_lines.ts";

export { journalFault, parseJournal } from "./journal_lines.ts";
export type { JournalLine, Plain } from "./journal_lines.ts";

/** Bytes that wait at most while the file cannot be written; newer entries are dropped. */
const PENDING_LIMIT = 2 ** 20;

/** What a caller writes; the journal adds `seq`, `at` and `time`. */
export interface JournalEntry {
  readonly kind: string;
  readonly seq?: never;
  readonly at?: never;
  readonly time?: never;
  readonly [key: string]: Plain | undefined;
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
}

/** What may be told apart from the file. */
export interface JournalOptions {
  /** Told when lines were cut off at the start, and once when writing fails. */
  readonly warn?: (text: string) => void;
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
  & Pick<Deno.FsFile, "writeSync" | "syncSync" | "statSync" | "truncateSync">
  & Disposable;

/**
 * Opens the journal at `path`, made where there is none, in a folder that is there. A torn last line
 * is cut off; with damage further up the file is kept beside as `<path>.damaged` (`.damaged.1` where
 * that is taken) and cut there.
 * Needs the run's lock. Throws what the system throws.
 */
export function openJournal(path: string, options: JournalOptions = {}): Journal {
  const { warn, check, open = openAppend } = options;
  check?.();
  const entries = recover(path, warn);
  const file = open(path);
  try {
    file.syncSync();
    syncFolder(dirname(path)); // A synced line is worth nothing in a file without a name.
    return new FileJournal(file, { path, entries, options });
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
}

class FileJournal implements Journal {
  readonly entries: readonly JournalLine[];
  readonly #file: JournalFile;
  readonly #path: string;
  readonly #now: () => number;
  readonly #warn: ((text: string) => void) | undefined;
  readonly #check: (() => void) | undefined;
  #seq: number;
  /** Whole lines that are not in the file yet. */
  #pending = new Uint8Array();
  #warned = false;
  /** Set once the end of the file is not known any more: nothing is appended to that. */
  #broken: unknown;

  constructor(
    file: JournalFile,
    { path, entries, options }: {
      path: string;
      entries: readonly JournalLine[];
      options: JournalOptions;
    },
  ) {
    this.#file = file;
    this.#path = path;
    this.entries = entries;
    this.#seq = entries.length;
    this.#warn = options.warn;
    this.#check = options.check;
    this.#now = options.now ?? (() => performance.now());
  }

  write(entry: JournalEntry, { sync = false }: { readonly sync?: boolean } = {}): void {
    const before = this.#pending;
    const line = this.#print(entry);
    // What is dropped takes no number, so that there is never a gap.
    if (!sync && before.length + line.length > PENDING_LIMIT) return this.#fail("too much waits");
    this.#pending = joined(before, line);
    this.#seq++;
    try {
      this.#flush(sync);
    } catch (error) {
      if (sync) {
        this.#pending = before;
        this.#seq--;
        throw error;
      }
      this.#fail(error);
    }
  }

  #print(entry: JournalEntry): Uint8Array {
    const at = Math.round(this.#now()) / 1000;
    const stamp = { seq: this.#seq, at, time: new Date().toISOString() };
    return new TextEncoder().encode(JSON.stringify({ ...stamp, ...entry, ...stamp }) + "\n");
  }

  /** Writes all that waits, or leaves the file as it was. */
  #flush(sync: boolean): void {
    if (this.#broken !== undefined) throw this.#broken;
    this.#check?.();
    const { size } = this.#file.statSync();
    try {
      for (let i = 0; i < this.#pending.length;) {
        i += this.#file.writeSync(this.#pending.subarray(i));
      }
      if (sync) this.#file.syncSync();
      this.#pending = new Uint8Array();
    } catch (error) {
      this.#cut(size);
      throw error;
    }
  }

  #cut(size: number): void {
    try {
      this.#file.truncateSync(size);
    } catch (error) {
      this.#broken = error;
    }
  }

  #fail(error: unknown): void {
    if (isLockLost(error)) return;
    if (!this.#warned) this.#warn?.(`Cannot write ${this.#path}: ${reasonOf(error)}`);
    this.#warned = true;
  }

  [Symbol.dispose](): void {
    try {
      if (this.#pending.length > 0) this.#flush(false);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#file[Symbol.dispose]();
    }
  }
}

/** The whole entries of the file; what follows them is cut off. */
function recover(path: string, warn: ((text: string) => void) | undefined): JournalLine[] {
  const text = readIfAny(path);
  const { entries, kept, fault } = parseJournal(text);
  if (kept === text) return entries;
  if (endedLines(text.slice(kept.length)).length > 0) {
    // More than a torn line: whole ones may be lost with it, so the evidence stays.
    const aside = freeName(`${path}.damaged`);
    Deno.copyFileSync(path, aside);
    warn?.(`Cut ${path} after ${entries.length} lines (all of it is in ${aside}): ${fault}`);
  }
  writeTextAtomic(path, kept);
  return entries;
}

function openAppend(path: string): Deno.FsFile {
  return Deno.openSync(path, { read: true, append: true, create: true, mode: 0o640 });
}

function syncFolder(path: string): void {
  using list = Deno.openSync(path, { read: true });
  list.syncSync();
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}
