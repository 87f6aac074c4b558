/** Starts processes that run code of the user with the permissions of a worker. */
import { fileURLToPath } from "node:url";
import { CONFIG, packageUrl, READ_BY_IMPORTS } from "../base/installed.ts";

/** Variables that locate Deno's cache of packages and compiled modules. */
const CACHE_VARIABLES = ["HOME", "DENO_DIR", "XDG_CACHE_HOME"];

/** Whether this process may start such processes. */
export function mayStartProcess(): boolean {
  const command = Deno.execPath();
  return Deno.permissions.querySync({ name: "run", command }).state === "granted";
}

/**
 * Starts a script of ours, by its path from the package's folder, which may read `reads` and what our
 * own modules need. Its stdin stays open: it ends when this process does, and the child with it.
 */
export function startUserProcess(script: string, reads: Iterable<string>): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt", "--no-remote", "--cached-only", "--frozen", CONFIG],
      `--allow-read=${[...reads, ...READ_BY_IMPORTS].join(",")}`,
      fileURLToPath(packageUrl(script)),
    ],
    clearEnv: true,
    env: { NO_COLOR: "1", ...cacheVariables() },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Kills a process that may have exited. */
export function killProcess(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has already exited.
  }
}

function cacheVariables(): Record<string, string> {
  return Object.fromEntries(CACHE_VARIABLES.flatMap((variable) => {
    const { state } = Deno.permissions.querySync({ name: "env", variable });
    const value = state === "granted" ? Deno.env.get(variable) : undefined;
    return value === undefined ? [] : [[variable, value]];
  }));
}
