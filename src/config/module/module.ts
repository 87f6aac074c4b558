/** Evaluates a config module in a child process that has read access to its imports only. */
import { basename, dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { CONFIG, packageUrl } from "../../base/installed.ts";
import { parseJsonText } from "../../base/text/json.ts";
import { oneLine } from "../../base/text/printable.ts";
import { warnText } from "../../base/text/say.ts";
import { atUnload } from "../../base/unload.ts";
import { filesOf } from "./module_files.ts";
import { type Evaluated, RESULT } from "./module_child.ts";

/** Time limits in ms: to list imports, for a module that waits, and for one that computes. */
const TIMEOUTS = { list: 10_000, wait: 30_000, compute: 40_000 } as const;
/** Variables that locate Deno's cache of packages and compiled modules. */
const CACHE_VARIABLES = ["HOME", "DENO_DIR", "XDG_CACHE_HOME"];

/** Maximum bytes that a config may print to a stream, including its value. */
const MAX_OUTPUT = 1 << 20;
/** Maximum characters of the read flag: Linux limits an argument to 128 KiB, of UTF-8. */
const MAX_FLAG = 40_000;
/** Maximum characters of a reason in an error text. */
const MAX_REASON = 1000;

/** Evaluates the module at a path. Its output goes to stderr. */
export async function evaluateModule(path: string): Promise<Evaluated> {
  const whole = resolve(path);
  if (basename(whole).includes(",")) return { reason: "its name needs to be one without a comma" };
  // With a PATH, starting a program fails for the missing permission, not because it is not found.
  const env = { NO_COLOR: "1", PATH: "/usr/bin:/bin", ...cacheVariables() };
  const files = await filesOf(whole, { env, timeout: TIMEOUTS.list });
  const flag = readFlag(files, dirname(whole));
  if (flag.length > MAX_FLAG) return { reason: "it imports more modules than fit a command line" };
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-remote",
      "--frozen",
      CONFIG,
      flag,
      fileURLToPath(packageUrl("src/config/module/module_child.ts")),
      whole,
      String(TIMEOUTS.wait),
    ],
    clearEnv: true,
    env,
    cwd: dirname(whole),
    // Never written to: it closes when this process ends, and the child exits when it closes.
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let cause: string | undefined;
  const end = (why: string) => {
    cause ??= why;
    kill(child);
  };
  using _ = atUnload(() => kill(child));
  const timer = setTimeout(
    () => end(`it computes for longer than ${TIMEOUTS.compute / 1000} s`),
    TIMEOUTS.compute,
  );
  const read = (stream: ReadableStream<Uint8Array>) =>
    textOf(stream, () => end(`its output and its value need at most ${MAX_OUTPUT} bytes`));
  try {
    const [{ code, signal }, stdout, stderr] = await Promise.all([
      child.status,
      read(child.stdout),
      read(child.stderr),
    ]);
    if (cause !== undefined) return { reason: cause };
    const printed = stdout.trimEnd().split("\n");
    const last = printed.pop() ?? "";
    const lines = [...printed, ...stderr.split("\n")].filter((line) => line !== "");
    if (code === 0 && last.startsWith(RESULT)) {
      if (lines.length > 0) warnText(lines.join("\n"));
      return resultIn(last.slice(RESULT.length));
    }
    return { reason: shortened(failureReason(lines, { code, signal })) };
  } finally {
    clearTimeout(timer);
    await child.stdin.close().catch(() => {});
  }
}

/** Kills a child with SIGKILL: a config can handle other signals and keep running. */
function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has already exited.
  }
}

/** The text of a stream. Stops reading at the output limit and calls `tooLong`. */
async function textOf(stream: ReadableStream<Uint8Array>, tooLong: () => void): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  for await (const bytes of stream) {
    length += bytes.length;
    if (length > MAX_OUTPUT) {
      tooLong();
      break;
    }
    text += decoder.decode(bytes, { stream: true });
  }
  return text;
}

/** The result in a line. Its form is checked: a config can print such a line itself and exit. */
function resultIn(text: string): Evaluated {
  try {
    const found = parseJsonText(text);
    if (typeof found === "object" && found !== null && !Array.isArray(found)) {
      const [[kind, what] = ["value", undefined], ...more] = Object.entries(found);
      if (more.length === 0) {
        if (kind === "value") return found;
        if (kind === "fault" && typeof what === "string") return { fault: shortened(what) };
        if (kind === "reason" && typeof what === "string") return { reason: shortened(what) };
      }
    }
  } catch {
    // Reported below.
  }
  return { reason: "it prints another result than its own" };
}

/** One printable line of limited length: a config can throw a text of any length. */
function shortened(text: string): string {
  const line = oneLine(text.slice(0, MAX_REASON)).toWellFormed();
  return text.length > MAX_REASON ? `${line}...` : line;
}

/** Why a child exited without a result, from its output, exit code and signal. */
function failureReason(
  lines: readonly string[],
  { code, signal }: { code: number; signal: Deno.Signal | null },
): string {
  if (signal !== null) return `its process was ended by ${signal}`;
  const line = lines.findLast((line) => line.startsWith("error: "))?.slice("error: ".length);
  return line ?? `its process ended with code ${code}`;
}

/**
 * The flag that permits a process in `folder` to read only these files. Deno splits the list at
 * commas, which cannot be escaped, so files with a comma are omitted. Paths are relative, so that a
 * comma in a folder above does not matter.
 */
function readFlag(files: readonly string[], folder: string): string {
  const names = files.map((file) => relative(folder, file)).filter((name) => !name.includes(","));
  return `--allow-read=${names.join(",")}`;
}

function cacheVariables(): Record<string, string> {
  return Object.fromEntries(CACHE_VARIABLES.flatMap((variable) => {
    const { state } = Deno.permissions.querySync({ name: "env", variable });
    const value = state === "granted" ? Deno.env.get(variable) : undefined;
    return value === undefined ? [] : [[variable, value]];
  }));
}
