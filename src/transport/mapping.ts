/**
 * Pages that a process shares with others of the machine, in place of a part of its own memory: what
 * it writes there, the others read there, without a copy. They have no name, count as memory of this
 * process and not of /dev/shm, and end with the processes that hold them, however those end.
 */
import type { FileAddress, Libc } from "./libc.ts";

/** A part of memory that shows bytes of a file from `from` on; both begin at a page. */
interface Shown {
  readonly range: Uint8Array;
  readonly from: number;
}

abstract class Mapping implements Disposable {
  readonly kind = "mapped";
  protected readonly libc: Libc;
  protected readonly file: number;
  readonly #shown: Uint8Array[] = [];

  constructor(libc: Libc, file: number) {
    this.libc = libc;
    this.file = file;
  }

  protected show({ range, from }: Shown, writes: boolean): void {
    this.libc.map(range, { file: this.file, from, writes });
    this.#shown.push(range);
  }

  /**
   * Replaces the mapped ranges by private zero pages, so a late write does not reach other processes,
   * and closes the file.
   */
  [Symbol.dispose](): void {
    for (const range of this.#shown.splice(0)) this.libc.unmap(range);
    this.libc.close(this.file);
  }
}

/** Pages that this process writes. */
export class OwnMapping extends Mapping {
  readonly address: FileAddress;

  private constructor(libc: Libc, address: FileAddress) {
    super(libc, address.file);
    this.address = address;
  }

  /** Pages of zeros; undefined where there is no room. */
  static create(libc: Libc, bytes: number): OwnMapping | undefined {
    const file = libc.createFile(bytes);
    return file === undefined ? undefined : new OwnMapping(libc, { pid: Deno.pid, file, bytes });
  }

  /** Shows the pages in place of `range`. @throws {RangeError} when the system refuses it. */
  place(range: Uint8Array): void {
    this.show({ range, from: 0 }, true);
  }
}

/** Pages that another process writes. */
export class PeerMapping extends Mapping {
  /** Opens pages; undefined where this process cannot, or they are not of the size that it needs. */
  static open(libc: Libc, address: FileAddress): PeerMapping | undefined {
    const file = libc.openFile(address);
    return file === undefined ? undefined : new PeerMapping(libc, file);
  }

  /** Shows bytes of the pages in place of a range. @throws {RangeError} when the system refuses it. */
  place(shown: Shown): void {
    this.show(shown, false);
  }
}
