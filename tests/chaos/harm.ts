/**
 * Changes a run's environment while it trains, and restores it: its code, data, folder, quota and
 * journal. A run may continue, or exit with the code of the fault; its results must be the same.
 */
import { assert } from "@std/assert";
import { pathExists } from "../../src/base/files/path_lookup.ts";
import { EXIT } from "../../src/base/user_error.ts";

/** A change that is in force. */
export interface Harm {
  /** Exit codes allowed for a run with this fault. */
  readonly codes: readonly number[];
  /** Restores what was changed. Idempotent. */
  undo(): Promise<void>;
}

/**
 * Changes the optimizer's formula in a checkout, as an update of it would; a new process loads it.
 */
export function changeCode(checkout: string): Harm {
  const path = `${checkout}src/optim/adamw.ts`;
  const text = Deno.readTextFileSync(path);
  const changed = text.replace("correction2)), eps)", "correction2)), mul(eps, 2))");
  assert(changed !== text, `Cannot change ${path}: need the formula that is known here`);
  return replaced(path, { text, changed });
}

/**
 * Replaces a text by another one of the same length and characters: what is seen differs in no
 * size.
 */
export function changeData(path: string): Harm {
  const text = Deno.readTextFileSync(path);
  return replaced(path, { text, changed: Array.from(text).reverse().join("") });
}

function replaced(path: string, { text, changed }: { text: string; changed: string }): Harm {
  write(path, changed);
  return { codes: [EXIT.incompatible], undo: once(() => write(path, text)) };
}

/** Replaces atomically, as tools do. */
function write(path: string, text: string): void {
  Deno.writeTextFileSync(`${path}.new`, text);
  Deno.renameSync(`${path}.new`, path);
}

/** Renames a run's folder. */
export function moveFolder(path: string): Harm {
  const elsewhere = `${path}-elsewhere`;
  Deno.renameSync(path, elsewhere);
  return { codes: [EXIT.locked], undo: once(() => Deno.renameSync(elsewhere, path)) };
}

/** Flips a bit at a place in [0, 1) of a journal. */
export function flipBit(path: string, place: number): Harm {
  const bytes = Deno.readFileSync(path);
  const bit = Math.floor(place * 8 * bytes.length);
  const [at, mask] = [bit >> 3, 1 << (bit & 7)];
  const [old, flipped] = [bytes[at] as number, bytes[at] as number ^ mask];
  put(path, at, flipped);
  const undo = once(() => {
    // A resumed run drops a torn last line, and one that begins anew may have no journal yet: then
    // there is nothing to restore.
    if (pathExists(path) && Deno.readFileSync(path)[at] === flipped) put(path, at, old);
  });
  return { codes: [EXIT.incompatible], undo };
}

function put(path: string, at: number, byte: number): void {
  using file = Deno.openSync(path, { write: true });
  file.seekSync(at, Deno.SeekMode.Start);
  file.writeSync(Uint8Array.of(byte));
}

/** Calls that a file system refuses when a quota is exceeded, as NFS does it: late, on the sync. */
const REFUSED = "fsync,fdatasync,mkdir";

/** Makes all saves of a process fail by its quota, until restored. */
export function exceedQuota(pid: number): Harm {
  const tracer = new Deno.Command("strace", {
    args: ["-f", "-qq", "-p", `${pid}`, "-o", "/dev/null", "-e", `trace=${REFUSED}`]
      .concat("-e", `inject=${REFUSED}:error=EDQUOT`),
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const undo = once(async () => {
    try {
      tracer.kill("SIGTERM"); // it lets go of the process, which lives on
    } catch {
      // The process has ended.
    }
    await tracer.status;
  });
  // A last state that still meets the quota ends the run so; the next process goes on from before it.
  return { codes: [EXIT.tooLarge], undo };
}

/** Whether this machine can refuse calls of other processes. */
export function canExceedQuota(): boolean {
  try {
    const { success } = new Deno.Command("sh", {
      args: ["-c", "sleep 0.2 & exec strace -qq -o /dev/null -e inject=fsync:error=EDQUOT -p $!"],
      stdout: "null",
      stderr: "null",
    }).outputSync();
    return success;
  } catch {
    return false;
  }
}

function once(action: () => void | Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => done ??= Promise.resolve().then(action);
}
