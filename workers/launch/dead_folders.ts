/**
 * Removes the socket folders of runs that are dead: a coordinator that is killed together with its
 * workers leaves its folder. A folder is removed only if its name, owner, mode, lock and contents all
 * show that it is one.
 */
import { basename, dirname, join } from "node:path";
import { hasCode } from "../../src/base/file_fault.ts";
import { holdFolder, OTHERS, PREFIX } from "./socket_folder.ts";

/** Names that `Deno.makeTempDir` gives to socket folders; earlier versions had no `run-`. */
const FOLDER = /^shoal-(?:run-)?[0-9a-f]{8,32}$/;
/** What such a folder holds. */
const SOCKET = /^(?:c|w\d+|control|doctor)\.sock$/;
const LINK = /^link-[0-9a-f]{16}$/;
/** Limits of the folders that are examined, and of the names in one of them. */
const MOST_FOLDERS = 256;
const MOST_NAMES = 4096;
/** Age of an empty folder under a name that other programs may use, ms. */
const LONG_EMPTY = 3_600_000;

/** Removes dead folders beside `own` and in the other temporary folders; `own` is this user's. */
export async function removeDeadFolders(own: string): Promise<void> {
  const { uid } = Deno.lstatSync(own);
  for (const parent of new Set([dirname(own), ...OTHERS])) {
    for (const name of foldersIn(parent)) {
      const path = join(parent, name);
      if (path === own) continue;
      // Its owner, or another run that cleans up, may have removed it meanwhile.
      await removeDead(path, uid).catch(() => {});
    }
  }
}

function foldersIn(parent: string): string[] {
  try {
    return Array.from(Deno.readDirSync(parent))
      .filter(({ name, isDirectory }) => isDirectory && FOLDER.test(name))
      .slice(0, MOST_FOLDERS).map(({ name }) => name);
  } catch {
    return []; // missing, or not readable for this user
  }
}

async function removeDead(path: string, owner: number | null): Promise<void> {
  const { isDirectory, uid, mode, mtime } = Deno.lstatSync(path);
  if (!isDirectory || owner === null || uid !== owner) return;
  if (((mode ?? 0) & 0o777) !== 0o700) return;
  // A run killed while it closes leaves an empty folder. One that is about to lock its new folder
  // makes another if this one goes.
  using held = holdFolder(path);
  if (held === undefined) return;
  const names = Array.from(Deno.readDirSync(path), ({ name }) => name);
  if (names.length > MOST_NAMES || !names.every((name) => isOfRun(path, name))) return;
  const isOurs = basename(path).startsWith(PREFIX);
  if (names.length === 0 && !isOurs && !(Date.now() - Number(mtime) > LONG_EMPTY)) return;
  // Runs of versions without locks still listen, and so does a run that is stopped by a signal.
  for (const name of names.filter((each) => SOCKET.test(each))) {
    if (await isServed(join(path, name))) return;
  }
  for (const name of names) Deno.removeSync(join(path, name));
  Deno.removeSync(path);
}

function isOfRun(folder: string, name: string): boolean {
  const { isSocket, isSymlink } = Deno.lstatSync(join(folder, name));
  return (SOCKET.test(name) && isSocket === true) || (LINK.test(name) && isSymlink);
}

async function isServed(socket: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path: socket })).close();
    return true;
  } catch (error) {
    return !hasCode(error, "ECONNREFUSED");
  }
}
