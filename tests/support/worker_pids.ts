/**
 * Processes that others have started, for tests that kill some. They are read from /proc by a shell:
 * Deno does not permit it, and `ps` and `pgrep` are not on every machine.
 */

/** A process. */
interface Found {
  readonly pid: number;
  /** Its command line, with spaces between the words. */
  readonly line: string;
}

/** Children of a process whose command lines match, in order of their ids. */
function childrenOf(parent: number, pattern: RegExp): Found[] {
  // The second word behind the name in parentheses is the parent.
  const script = `for stat in /proc/[0-9]*/stat; do
    folder=\${stat%/stat}
    IFS= read -r line <"$stat" || continue
    set -- \${line##*) }
    [ "$2" = ${parent} ] || continue
    printf '%s %s\\n' "\${folder#/proc/}" "$(tr '\\000' ' ' <"$folder/cmdline")"
  done`;
  const args = ["-c", script];
  const { stdout } = new Deno.Command("sh", { args, stderr: "null" }).outputSync();
  return new TextDecoder().decode(stdout).split("\n").flatMap((text) => {
    const [, pid, line = ""] = /^(\d+) (.*)$/.exec(text) ?? [];
    return pid !== undefined && pattern.test(line) ? [{ pid: Number(pid), line }] : [];
  }).toSorted((a, b) => a.pid - b.pid);
}

/** Ids of the children of a process whose command lines match, in order. */
export function childIds(parent: number, pattern: RegExp): number[] {
  return childrenOf(parent, pattern).map(({ pid }) => pid);
}

const WORKER = /workers\/(module_)?worker\.ts/;

/** Process ids of the workers that this process has started, in order of their start. */
export function workersOf(parent: number = Deno.pid): number[] {
  return childIds(parent, WORKER);
}

/** The command line of each worker that this process has started. */
export function optionsOf(): string[] {
  return childrenOf(Deno.pid, WORKER).map(({ line }) => line);
}

/** Whether one of these processes is there. */
export function isAnyThere(pids: Iterable<number>): boolean {
  const paths = Array.from(pids, (pid) => `/proc/${pid}`);
  const { stdout } = new Deno.Command("sh", {
    args: ["-c", `for path in ${paths.join(" ")}; do [ -d $path ] && echo $path; done`],
    stderr: "null",
  }).outputSync();
  return stdout.length > 0;
}
