/** Evaluates a config's module in a process of its own that may read what it imports and nothing else. */
import { basename, dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { CONFIG } from "../../base/installed.ts";
import { parseJsonText } from "../../base/text/json.ts";
import { oneLine } from "../../base/text/printable.ts";
import { warnText } from "../../base/text/say.ts";
import { atUnload } from "../../base/unload.ts";
import { filesOf } from "./module_files.ts";
import { type Evaluated, RESULT } from "./module_child.ts";

/** Milliseconds that the list of its imports may take, that a module may wait and may compute. */
const PATIENCE = { list: 10_000, wait: 30_000, compute: 40_000 } as const;
/** Variables that say where Deno keeps packages and compiled modules. */
const CACHES = ["HOME", "DENO_DIR", "XDG_CACHE_HOME"];

/** Bytes that a config may print to a stream, its value among them. */
const MOST_PRINTED = 1 << 20;
/** Letters of a flag that Linux takes, less some: 128 KiB in UTF-8. */
const MOST_READ = 40_000;
/** Letters of a reason that are told. */
const MOST_TOLD = 1000;

/** What comes of the module at a path. What it prints goes to stderr. */
export async function evaluateModule(path: string): Promise<Evaluated> {
  const whole = resolve(path);
  if (basename(whole).includes(",")) return { reason: "its name needs to be one without a comma" };
  // A search path, so that a program is refused and not merely missing.
  const env = { NO_COLOR: "1", PATH: "/usr/bin:/bin", ...caches() };
  const files = await filesOf(whole, { env, patience: PATIENCE.list });
  const flag = reading(files, dirname(whole));
  if (flag.length > MOST_READ) return { reason: "it imports more modules than fit a command line" };
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-remote",
      "--frozen",
      CONFIG,
      flag,
      fileURLToPath(new URL("./module_child.ts", import.meta.url)),
      whole,
      String(PATIENCE.wait),
    ],
    clearEnv: true,
    env,
    cwd: dirname(whole),
    // Nothing is written: the stream ends with this process, and the child ends with the stream.
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
    () => end(`it computes for longer than ${PATIENCE.compute / 1000} s`),
    PATIENCE.compute,
  );
  const read = (stream: ReadableStream<Uint8Array>) =>
    textOf(stream, () => end(`its output and its value need at most ${MOST_PRINTED} bytes`));
  try {
    const [{ code, signal }, stdout, stderr] = await Promise.all([
      child.status,
      read(child.stdout),
      read(child.stderr),
    ]);
    if (cause !== undefined) return { reason: cause };
    const lines = stdout.trimEnd().split("\n");
    const last = lines.pop() ?? "";
    const said = [...lines, ...stderr.split("\n")].filter((line) => line !== "");
    if (code === 0 && last.startsWith(RESULT)) {
      if (said.length > 0) warnText(said.join("\n"));
      return resultIn(last.slice(RESULT.length));
    }
    return { reason: told(ending(said, { code, signal })) };
  } finally {
    clearTimeout(timer);
    await child.stdin.close().catch(() => {});
  }
}

/** A config may handle the signals that can be handled, and go on. */
function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended.
  }
}

/** The text of a stream, or of its beginning where it is too long to be held in memory. */
async function textOf(stream: ReadableStream<Uint8Array>, tooLong: () => void): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  for await (const bytes of stream) {
    length += bytes.length;
    if (length > MOST_PRINTED) {
      tooLong();
      break;
    }
    text += decoder.decode(bytes, { stream: true });
  }
  return text;
}

/** A config may print such a line itself and exit: what the line says is held to what a child says. */
function resultIn(text: string): Evaluated {
  try {
    const found = parseJsonText(text);
    if (typeof found === "object" && found !== null && !Array.isArray(found)) {
      const [[kind, what] = ["value", undefined], ...more] = Object.entries(found);
      if (more.length === 0) {
        if (kind === "value") return found;
        if (kind === "fault" && typeof what === "string") return { fault: told(what) };
        if (kind === "reason" && typeof what === "string") return { reason: told(what) };
      }
    }
  } catch {
    // Said below.
  }
  return { reason: "it prints another result than its own" };
}

/** What a config says in one line that fits a terminal: it may throw a text of any length. */
function told(text: string): string {
  const line = oneLine(text.slice(0, MOST_TOLD)).toWellFormed();
  return text.length > MOST_TOLD ? `${line}...` : line;
}

/** Why there is no value. */
function ending(
  said: readonly string[],
  { code, signal }: { code: number; signal: Deno.Signal | null },
): string {
  if (signal !== null) return `its process was ended by ${signal}`;
  const line = said.findLast((line) => line.startsWith("error: "))?.slice("error: ".length);
  return line ?? `its process ended with code ${code}`;
}

/**
 * The flag that lets a process in `folder` read these files, and nothing else. Deno splits lists at
 * commas and has no way to escape one: names are relative, so that only those below count.
 */
function reading(files: readonly string[], folder: string): string {
  const names = files.map((file) => relative(folder, file)).filter((name) => !name.includes(","));
  return `--allow-read=${names.join(",")}`;
}

function caches(): Record<string, string> {
  return Object.fromEntries(CACHES.flatMap((variable) => {
    const { state } = Deno.permissions.querySync({ name: "env", variable });
    const value = state === "granted" ? Deno.env.get(variable) : undefined;
    return value === undefined ? [] : [[variable, value]];
  }));
}
