/**
 * Memory that a process shares with others of the machine: a file that is removed as soon as all have
 * opened it. Its pages stay in the page cache, so reads and writes are copies within memory, without
 * the wakeups of a socket. Small and written again and again, it needs no permission beyond those for
 * its folder.
 */
import { crc32 } from "node:zlib";
import { ChannelError } from "./channel.ts";

/** Bytes per write of zeros. */
const BLOCK = 2 ** 20;

/** Where a payload lies. */
export interface Placed {
  /** First byte. */
  readonly at: number;
  /** CRC-32 of the bytes. */
  readonly crc: number;
}

/** A region that this process writes. */
export class OwnRegion implements Disposable {
  readonly kind = "file";
  readonly #file: Deno.FsFile;
  readonly #path: string;
  #isLinked = true;

  private constructor(file: Deno.FsFile, path: string) {
    this.#file = file;
    this.#path = path;
  }

  /**
   * Creates a region of zeros that its owner alone may open; undefined where the file system refuses
   * it or has no room.
   */
  static create(path: string, bytes: number): OwnRegion | undefined {
    let region: OwnRegion | undefined;
    try {
      const file = Deno.openSync(path, { createNew: true, read: true, write: true, mode: 0o600 });
      region = new OwnRegion(file, path);
      // Without its blocks, a file system would run out of room at a later write.
      for (let at = 0; at < bytes; at += BLOCK) {
        region.#write(at, new Uint8Array(Math.min(BLOCK, bytes - at)));
      }
      return region;
    } catch {
      region?.[Symbol.dispose]();
      return undefined;
    }
  }

  /** Writes a payload. @throws {ChannelError} when the file system does not take it. */
  put(at: number, payload: Uint8Array): Placed {
    try {
      this.#write(at, payload);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ChannelError(`Cannot share a payload: ${reason}`, { cause: error });
    }
    return { at, crc: crc32(payload) };
  }

  /** Removes the name: those who have opened the region keep it. */
  unlink(): void {
    if (!this.#isLinked) return;
    this.#isLinked = false;
    try {
      Deno.removeSync(this.#path);
    } catch {
      // Its folder is gone already.
    }
  }

  [Symbol.dispose](): void {
    this.unlink();
    this.#file.close();
  }

  #write(at: number, bytes: Uint8Array): void {
    this.#file.seekSync(at, Deno.SeekMode.Start);
    for (let done = 0; done < bytes.length;) done += this.#file.writeSync(bytes.subarray(done));
  }
}

/** A region that another process writes. */
export class PeerRegion implements Disposable {
  readonly kind = "file";
  readonly #file: Deno.FsFile;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /** Opens a region; undefined where this process cannot. */
  static open(path: string): PeerRegion | undefined {
    try {
      return new PeerRegion(Deno.openSync(path, { read: true }));
    } catch {
      return undefined;
    }
  }

  /** Reads a payload into `target`. @throws {ChannelError} for another one than was written. */
  take({ at, crc }: Placed, target: Uint8Array): void {
    this.#file.seekSync(at, Deno.SeekMode.Start);
    for (let done = 0; done < target.length;) {
      const count = this.#file.readSync(target.subarray(done));
      if (count === null) {
        throw new ChannelError("Cannot take a shared payload: needs all of it: the region ends");
      }
      done += count;
    }
    if (crc32(target) === crc) return;
    throw new ChannelError("Cannot take a shared payload: needs an intact one: its CRC-32 differs");
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
