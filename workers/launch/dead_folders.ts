/**
 * Removes folders of sockets whose runs are dead: a coordinator that was killed together with its
 * workers leaves its own. Only what is known to be one is touched: by its name, its owner, its mode,
 * its lock, and all that it holds.
 */
import { dirname, join } from "node:path";
import { hasCode } from "../../src/base/file_fault.ts";
import { holdFolder, OTHERS } from "./socket_folder.ts";

/** Names as `Deno.makeTempDir` gives them to folders of sockets. */
const FOLDER = /^shoal-[0-9a-f]{8,32}$/;
/** What such a folder holds. */
const SOCKET = /^(?:c|w\d+|control|doctor)\.sock$/;
const LINK = /^link-[0-9a-f]{16}$/;
/** Folders that are looked into, and names that one of a run can have. */
const MOST_FOLDERS = 256;
const MOST_NAMES = 4096;
/** Age in ms of an empty folder that no run is about to fill any more. */
const LONG_EMPTY = 3_600_000;

/** Removes those beside `own` and where others may lie; `own` is a folder of this user. */
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
    return []; // It is not there, or not for this user.
  }
}

async function removeDead(path: string, owner: number | null): Promise<void> {
  const { isDirectory, uid, mode, mtime } = Deno.lstatSync(path);
  if (!isDirectory || owner === null || uid !== owner) return;
  if (((mode ?? 0) & 0o777) !== 0o700) return;
  using held = holdFolder(path);
  if (held === undefined) return;
  const names = Array.from(Deno.readDirSync(path), ({ name }) => name);
  if (names.length > MOST_NAMES || !names.every((name) => isOfRun(path, name))) return;
  if (names.length === 0 && !(Date.now() - Number(mtime) > LONG_EMPTY)) return;
  // A run of a version that holds no lock listens; one that is stopped does as well.
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
