/**
 * The file system operations that saving and removing checkpoints need, each one system call. Tests
 * replace them by a recorder or by a disk with injected faults. Reads are not included.
 */

/** A file that is being written. */
export interface NewFile extends Disposable {
  /** Writes some of the bytes; returns how many. */
  write(bytes: Uint8Array): Promise<number>;
  sync(): Promise<void>;
}

/** Every operation throws the system's error. */
export interface Disk {
  /** Creates one folder in an existing folder. */
  makeFolder(path: string): Promise<void>;
  /** Creates a file that must not exist. */
  create(path: string): Promise<NewFile>;
  /** Syncs a folder's directory entries. */
  syncFolder(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, a link, or a folder with its contents; link targets stay. */
  remove(path: string): Promise<void>;
}

/** The disk of this machine. Files and folders are not accessible to other users. */
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
