/** A journal on disk: appends entries and syncs them, and recovers from failed writes. */
import { joinedBytes } from "../../base/bytes.ts";
import { isLockLost } from "../../base/user_error.ts";
import { writeAllSync } from "../../base/files/write_all.ts";
import { setAside } from "../backup.ts";
import { readIfAny, writeTextAtomic } from "../atomic.ts";
import { printLine } from "./journal_lines.ts";
import type { JournalLine, ParsedJournal } from "./journal_lines.ts";
import { cannotWrite, isAt, openPlain } from "../regular_file.ts";
import type { Journal, JournalEntry, JournalFile, JournalOptions } from "./types.ts";

/** Most bytes buffered while the file cannot be written; newer entries are dropped. */
const PENDING_LIMIT = 2 ** 20;

export class FileJournal implements Journal {
  readonly entries: readonly JournalLine[];
  #file: JournalFile;
  readonly #open: (path: string) => JournalFile;
  readonly #path: string;
  readonly #now: () => number;
  readonly #warn: ((text: string) => void) | undefined;
  readonly #check: (() => void) | undefined;
  #seq: number;
  /** The running checksum, which the next line continues. */
  #crc: number;
  /** Complete lines that are not in the file yet. */
  #pending = new Uint8Array();
  #warned = false;
  /** Whether another process owns the file now. */
  #isLost = false;
  #dropped = 0;
  /**
   * A sync failed: the kernel may have dropped dirty pages, and reports such an error only once.
   */
  #isUnsure = false;
  /** The open file may not be the one at the path. */
  #isReplaced = false;
  /** Set if truncation failed: the end of the file is unknown, so nothing more is appended. */
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
    // A dropped entry takes no number, so that the numbering has no gap.
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

  /** Writes all buffered lines, or leaves the file unchanged. */
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

  /**
   * Rewrites all lines into a new file: after a failed sync, only a new file's sync is reliable.
   */
  #renew(): void {
    // If this fails part way, the new file may or may not be at the path.
    this.#isReplaced = true;
    writeTextAtomic(this.#path, readIfAny(this.#path));
    this.#isUnsure = false;
    this.#reopen();
  }

  /**
   * Writes all lines to a new file at the path, after the journal was removed or replaced: the open
   * file has no name and would be lost when the process ends. A file at the path is set aside.
   */
  #restore(): void {
    const text = new TextDecoder().decode(readAll(this.#file));
    const aside = setAside(this.#path);
    writeTextAtomic(this.#path, text);
    this.#reopen();
    const state = aside === undefined ? "it was gone" : `what lay there is kept as ${aside}`;
    this.#warn?.(`${this.#path} was written anew: ${state}`);
  }

  /** Opens the file at the path, since the previously open one has no name. */
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
      // This ends the run, and the loss of the lock is reported once.
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

export function openAppend(path: string): Deno.FsFile {
  return openPlain(path, { read: true, append: true, create: true, mode: 0o640 });
}

/** All bytes of an open file. */
function readAll(file: JournalFile): Uint8Array {
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
