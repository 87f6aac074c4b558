/**
 * The effects that saving and removing checkpoints have, each one call of the system. Tests put a
 * recorder or a worse disk in its place. Reading is not part of it.
 */

/** A file that is being written. */
export interface NewFile extends Disposable {
  /** Writes some of the bytes, and gives how many. */
  write(bytes: Uint8Array): Promise<number>;
  sync(): Promise<void>;
}

/** Throws what the system throws. */
export interface Disk {
  /** Makes one folder in a folder that is there. */
  makeFolder(path: string): Promise<void>;
  /** Makes a file that must not exist. */
  create(path: string): Promise<NewFile>;
  /** Syncs a folder's list of names. */
  syncFolder(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, a link, or a folder with all that is in it; what links lead to stays. */
  remove(path: string): Promise<void>;
}

/** The disk of this machine. Folders and files are closed to strangers. */
export const DISK: Disk = {
  makeFolder: (path) => Deno.mkdir(path, { mode: 0o750 }),
  create: (path) => Deno.open(path, { write: true, createNew: true, mode: 0o640 }),
  async syncFolder(path) {
    using folder = await Deno.open(path, { read: true });
    await folder.sync();
  },
  rename: (from, to) => Deno.rename(from, to),
  remove: (path) => Deno.remove(path, { recursive: true }),
};
