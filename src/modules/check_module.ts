/**
 * Imports a module of the user in a child process first, with the permissions of a worker. So a module
 * that never comes to an end, or needs what workers may not do, is refused before it runs here.
 */
import { fileURLToPath } from "node:url";
import { CONFIG, packageUrl, READ_BY_IMPORTS } from "../base/installed.ts";
import { parseJsonText } from "../base/text/json.ts";
import { warnText } from "../base/text/say.ts";
import { atUnload } from "../base/unload.ts";
import { moduleError } from "./import_module.ts";
import type { LocalModule } from "./local_files.ts";

/** Time limits in ms: for a module that waits, and for one that computes. */
export interface ModuleLimits {
  readonly wait: number;
  readonly compute: number;
}

const LIMITS: ModuleLimits = { wait: 30_000, compute: 40_000 };
/** Variables that locate Deno's cache of packages and compiled modules. */
const CACHE_VARIABLES = ["HOME", "DENO_DIR", "XDG_CACHE_HOME"];

/** Prefix of the line with the result. */
export const CHECKED = "shoal-module ";

/**
 * Requires a module to load in a child process; does nothing where this process may start none.
 * @throws {UserError} `config` with the reason.
 */
export async function checkModule(
  { path, files, missing }: LocalModule,
  { wait, compute }: ModuleLimits = LIMITS,
): Promise<void> {
  const command = Deno.execPath();
  if (Deno.permissions.querySync({ name: "run", command }).state !== "granted") return;
  const child = new Deno.Command(command, {
    args: [
      ...["run", "--quiet", "--no-prompt", "--no-remote", "--cached-only", "--frozen", CONFIG],
      // Without permission a missing file would read as a forbidden one.
      `--allow-read=${[...files.keys(), ...missing, ...READ_BY_IMPORTS].join(",")}`,
      fileURLToPath(packageUrl("workers/module_check.ts")),
      path,
      String(wait),
    ],
    clearEnv: true,
    env: { NO_COLOR: "1", ...cacheVariables() },
    // Never written to: it closes when this process ends, and the child with it.
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let isLate = false;
  const kill = () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has already exited.
    }
  };
  using _ = atUnload(kill);
  const timer = setTimeout(() => {
    isLate = true;
    kill();
  }, compute);
  try {
    const [{ code, signal }, stdout, stderr] = await Promise.all([
      child.status,
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    if (isLate) throw moduleError(path, `it computes for longer than ${compute / 1000} s`);
    const lines = stdout.trimEnd().split("\n");
    const last = lines.pop() ?? "";
    if (code === 0 && last.startsWith(CHECKED)) {
      const printed = [...lines, ...stderr.split("\n")].filter((line) => line !== "");
      if (printed.length > 0) warnText(printed.join("\n"));
      const { reason } = Object(parseJsonText(last.slice(CHECKED.length)));
      if (reason === undefined) return;
      throw moduleError(path, String(reason));
    }
    const said = stderr.split("\n").findLast((line) => line.startsWith("error: "));
    throw moduleError(
      path,
      said?.slice("error: ".length) ??
        `its process ended ${signal === null ? `with code ${code}` : `by ${signal}`}`,
    );
  } finally {
    clearTimeout(timer);
    await child.stdin.close().catch(() => {});
  }
}

/** Variables that a child needs to find the packages. */
export function cacheVariables(): Record<string, string> {
  return Object.fromEntries(CACHE_VARIABLES.flatMap((variable) => {
    const { state } = Deno.permissions.querySync({ name: "env", variable });
    const value = state === "granted" ? Deno.env.get(variable) : undefined;
    return value === undefined ? [] : [[variable, value]];
  }));
}
