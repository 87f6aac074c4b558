/**
 * The flag with which a process of the command line may start others: this Deno and nvidia-smi. The
 * tasks of deno.json ask for it, because no permission set can name the binary that reads it.
 */

/** Deno's flag for a binary at `deno`, where LD_LIBRARY_PATH is `libraryPath`. */
export function allowRun(deno: string, libraryPath: string | undefined): string {
  // Deno passes this variable on only under the unrestricted permission.
  if (libraryPath !== undefined && libraryPath !== "") return "--allow-run";
  // Deno splits the list at commas and has no way to escape one.
  return deno.includes(",") ? "--allow-run" : `--allow-run=${deno},nvidia-smi`;
}

if (import.meta.main) console.log(allowRun(Deno.execPath(), Deno.env.get("LD_LIBRARY_PATH")));
