/** A disk whose every effect needs a lock that is still held. */
import { DISK, type Disk } from "../disk.ts";
import type { RunLock } from "./lock.ts";

/** What a disk needs of a lock; without `createFolder`, no subfolder is held. */
export type DiskLock = Pick<RunLock, "check"> & Partial<Pick<RunLock, "createFolder">>;

/**
 * Checks the lock right before each effect by path: a save that began in a folder which was moved
 * meanwhile publishes nothing and removes nothing in the folder that lies there now. Writing to a
 * file that is open needs no check: it is one of this save, wherever it lies.
 * @throws {Refusal} `locked` from every effect once the lock is lost.
 */
export function heldDisk(lock: DiskLock, disk: Disk = DISK): Disk {
  // Async, so that a lost lock is a rejection, as all else that a disk can meet.
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
