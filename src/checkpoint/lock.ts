/**
 * One process per output folder. The system frees the lock when its process dies, however it dies,
 * so there is no stale lock to judge.
 */
import { join } from "node:path";
import { fileFault } from "../base/file_fault.ts";
import { Refusal } from "../base/refusal.ts";
import { makeFolders } from "./files.ts";

const FILE = ".lock";

/** Held until disposed. */
export class RunLock implements Disposable {
  readonly #file: Deno.FsFile;

  constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /** Frees the lock. The file stays: removing it would let two processes lock two files. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** Locks the folder `out`, made where there is none. Refuses as `locked` when another has it. */
export async function lockRun(out: string): Promise<RunLock> {
  const path = join(out, FILE);
  const file = await openFile(out, path);
  try {
    if (!await file.tryLock(true)) {
      const owner = ownerOf(await Deno.readTextFile(path));
      throw new Refusal("locked", `Output folder ${out} is in use by ${owner}`);
    }
    await file.truncate();
    await file.write(new TextEncoder().encode(`${Deno.pid} ${Deno.hostname()}\n`));
    return new RunLock(file);
  } catch (error) {
    file.close();
    throw folderFault(error, out);
  }
}

/** Who has the lock, from the line `<pid> <host>`. */
function ownerOf(text: string): string {
  const [, pid, host] = /^(\d+) ([\w.-]+)\n$/.exec(text) ?? [];
  // Between locking and writing the line of the owner before, or a part of this one, is there.
  return pid === undefined ? "another process" : `process ${pid} on ${host}`;
}

async function openFile(out: string, path: string): Promise<Deno.FsFile> {
  try {
    await makeFolders(out);
    return await Deno.open(path, { read: true, write: true, create: true, mode: 0o640 });
  } catch (error) {
    throw folderFault(error, out);
  }
}

function folderFault(error: unknown, out: string): unknown {
  return fileFault(error, {
    doing: "use output folder",
    path: out,
    need: "a folder",
    exit: "config",
  });
}
