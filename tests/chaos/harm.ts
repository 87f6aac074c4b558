/**
 * What is changed around a run while it trains, and put right again: its code, its data, its folder,
 * its quota, its journal. A run may go on, or end by a code that says what it met; what it computes
 * must be the same.
 */
import { assert } from "@std/assert";
import { EXIT } from "../../src/base/user_error.ts";

/** A change that is in force. */
export interface Harm {
  /** Codes by which a run may end that meets it. */
  readonly codes: readonly number[];
  /** Puts right what was changed. Once is enough, and more does nothing. */
  undo(): Promise<void>;
}

/** Changes the optimizer's formula in a checkout, as an update of it would; a new process loads it. */
export function changeCode(checkout: string): Harm {
  const path = `${checkout}src/optim/adamw.ts`;
  const text = Deno.readTextFileSync(path);
  const changed = text.replace("correction2)), eps)", "correction2)), mul(eps, 2))");
  assert(changed !== text, `Cannot change ${path}: need the formula that is known here`);
  return replaced(path, { text, changed });
}

/** Replaces a text by another one of the same length and characters: what is seen differs in no size. */
export function changeData(path: string): Harm {
  const text = Deno.readTextFileSync(path);
  return replaced(path, { text, changed: Array.from(text).reverse().join("") });
}

function replaced(path: string, { text, changed }: { text: string; changed: string }): Harm {
  write(path, changed);
  return { codes: [EXIT.incompatible], undo: once(() => write(path, text)) };
}

/** As tools write: a reader meets the old text or the new one, never half of it. */
function write(path: string, text: string): void {
  Deno.writeTextFileSync(`${path}.new`, text);
  Deno.renameSync(`${path}.new`, path);
}

/** Gives a run's folder another name. */
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
    // A last line that is torn is given up when a run goes on; then there is nothing to put right.
    if (Deno.readFileSync(path)[at] === flipped) put(path, at, old);
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

/** Lets all saves of a process fail by its quota, until it is put right. */
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
      // It has ended with the process.
    }
    await tracer.status;
  });
  return { codes: [], undo };
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
