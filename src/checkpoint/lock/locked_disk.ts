/** A disk that checks the run's lock before every effect. */
import { DISK, type Disk } from "../disk.ts";
import type { RunLock } from "./lock.ts";

/** The lock as a disk uses it; without `createFolder`, no subfolder is held. */
export type DiskLock = Pick<RunLock, "check"> & Partial<Pick<RunLock, "createFolder">>;

/**
 * Checks the lock right before each effect by path, so that a save whose folder was moved changes
 * nothing in the folder that has replaced it. Writes to an open file need no check: the file
 * belongs to this save wherever it is. @throws {UserError} `locked` from every effect once the lock
 * is lost.
 */
export function lockedDisk(lock: DiskLock, disk: Disk = DISK): Disk {
  // Async, so that a lost lock is a rejection like any other error of a disk.
  const held = async <T>(effect: () => Promise<T>): Promise<T> => {
    lock.check();
    return await effect();
  };
  return {
    makeFolder: (path) =>
      held(() => {
        const make = () => disk.makeFolder(path);
        return lock.createFolder === undefined ? make() : lock.createFolder(path, make);
      }),
    create: (path) => held(() => disk.create(path)),
    syncFolder: (path) => held(() => disk.syncFolder(path)),
    rename: (from, to) => held(() => disk.rename(from, to)),
    remove: (path) => held(() => disk.remove(path)),
  };
}
