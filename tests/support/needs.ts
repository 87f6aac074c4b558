/**
 * What a test needs of the machine beside Deno. A need is tried, once: that a program is there, or
 * that the user is root, does not say that the machine lets it do its work. A test that cannot run
 * names what is missing.
 */

import { fileURLToPath } from "node:url";

/** Something that a test needs. */
export interface Need {
  /** Words for a test's name: `strace`. */
  readonly what: string;
  /** Tries it. */
  readonly holds: () => boolean;
}

/** Whether a program runs and ends well. */
export function works(program: string, ...args: readonly string[]): boolean {
  try {
    return new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).outputSync().success;
  } catch {
    return false; // It is not there.
  }
}

/** The name of a test, and whether it is left out; names what is missing. */
export function needing(
  name: string,
  ...needs: readonly Need[]
): { name: string; ignore: boolean } {
  const missing = needs.filter((need) => !holds(need)).map(({ what }) => what);
  if (missing.length === 0) return { name, ignore: false };
  return { name: `${name} (not run: needs ${missing.join(", ")})`, ignore: true };
}

/** A file system in memory, in a mount namespace of its own. */
export const MOUNT: Need = {
  what: "the right to mount",
  holds: () => inFolder((folder) => inNamespace(`mount -t tmpfs none ${folder}`)),
};

/** An ext4 of its own on a loop device, and the program that cuts it off. */
export const DISK: Need = {
  what: "the right to mount a loop device, mkfs.ext4, xfs_io",
  holds: () =>
    works("xfs_io", "-V") && inFolder((folder) =>
      inNamespace(
        `truncate -s 2M ${folder}/image; mkfs.ext4 -q -F ${folder}/image; mkdir ${folder}/disk; ` +
          `mount -o loop ${folder}/image ${folder}/disk`,
      )
    ),
};

/** System calls of children are seen. */
export const STRACE: Need = {
  what: "a strace that works",
  holds: () => works("strace", "-f", "-qq", "-o", "/dev/null", "true"),
};

/** Another user, who can run this Deno on this checkout. */
export const OTHER_USER: Need = {
  what: "the right to become another user, who can read this checkout",
  holds: () =>
    inFolder((folder) => {
      const script = fileURLToPath(new URL("../lint/layers.ts", import.meta.url));
      Deno.chmodSync(folder, 0o777);
      const [program, ...args] = asOther(folder, script);
      return works(program, ...args);
    }),
};

/** The words that run a script as another user; `folder` is one that anybody may write to. */
export function asOther(folder: string, ...script: readonly string[]): [string, ...string[]] {
  const env = [`HOME=${folder}`, `DENO_DIR=${folder}/deno`];
  const user = ["--reuid=65534", "--regid=65534", "--clear-groups"];
  const deno = [Deno.execPath(), "run", "-q", "--no-prompt", "--no-check", "-A"];
  return ["setpriv", ...user, "env", ...env, ...deno, ...script];
}

/** Limits of a process that runs are changed. */
export const PRLIMIT: Need = {
  what: "prlimit of util-linux",
  holds: () => works("prlimit", "--nofile", "--pid", String(Deno.pid)),
};

const tried = new Map<Need, boolean>();

function holds(need: Need): boolean {
  const known = tried.get(need) ?? need.holds();
  tried.set(need, known);
  return known;
}

function inNamespace(script: string): boolean {
  return works("unshare", "-m", "--propagation", "private", "sh", "-eu", "-c", script);
}

function inFolder(work: (folder: string) => boolean): boolean {
  const folder = Deno.makeTempDirSync({ prefix: "shoal-needs-" });
  try {
    return work(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}
