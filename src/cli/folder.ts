/**
 * The caller's folder, to which relative paths belong. `deno task` starts commands in the checkout and
 * names the folder that it was called from in INIT_CWD.
 */
import { isAbsolute, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout, without a slash at its end. */
export const CHECKOUT: string = resolve(fileURLToPath(new URL("../../", import.meta.url)));

/**
 * The folder to enter, or undefined for a process that is in its caller's. INIT_CWD counts in the
 * checkout alone: processes inherit it, and one that starts elsewhere was put there on purpose.
 */
export function callersFolder(
  { cwd, checkout, named }: { cwd: string; checkout: string; named: string | undefined },
): string | undefined {
  return cwd === checkout && named !== undefined && isAbsolute(named) ? named : undefined;
}

/** Makes the caller's folder the process's own. A process that may not ask for it is in it. */
export function enterCallersFolder(): void {
  const { state } = Deno.permissions.querySync({ name: "env", variable: "INIT_CWD" });
  const named = state === "granted" ? Deno.env.get("INIT_CWD") : undefined;
  if (named === undefined || named === "") return;
  const checkout = Deno.realPathSync(CHECKOUT);
  const folder = callersFolder({ cwd: Deno.realPathSync("."), checkout, named });
  if (folder !== undefined) Deno.chdir(folder);
}
