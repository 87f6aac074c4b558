/** Evaluates a config's module in a process of its own that may read its project and nothing else. */
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseJsonText } from "../base/json.ts";
import { oneLine } from "../base/printable.ts";
import { warnText } from "../base/say.ts";
import { atUnload } from "../base/unload.ts";
import { type Evaluated, RESULT } from "./module_child.ts";

/** Milliseconds that a module may wait, and that it may compute. */
const PATIENCE = { wait: 30_000, compute: 40_000 } as const;
/** The checkout: its configs and kernels may be imported. */
const CHECKOUT = resolve(fileURLToPath(new URL("../../", import.meta.url)));
/** What lies at the top of a project. */
const MARKS = ["deno.json", "deno.jsonc", "package.json", ".git"];
/** Variables that say where Deno keeps packages and compiled modules. */
const CACHES = ["HOME", "DENO_DIR", "XDG_CACHE_HOME"];

/** Bytes that a config may print to a stream, its value among them. */
const MOST_PRINTED = 1 << 20;
/** Letters of a reason that are told. */
const MOST_TOLD = 1000;

/** What comes of the module at a path. What it prints goes to stderr. */
export async function evaluateModule(path: string): Promise<Evaluated> {
  const whole = resolve(path);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-remote",
      "--frozen",
      ...reading(whole),
      fileURLToPath(new URL("./module_child.ts", import.meta.url)),
      whole,
      String(PATIENCE.wait),
    ],
    clearEnv: true,
    // A search path, so that a program is refused and not merely missing.
    env: { NO_COLOR: "1", PATH: "/usr/bin:/bin", ...caches() },
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

/** Flags that let a process read the folders of a config, but nothing hidden in them. */
function reading(path: string): string[] {
  const own = [dirname(path), dirname(real(path))];
  const folders = [...new Set([...own, ...own.flatMap(projectOf), CHECKOUT])];
  const hidden = folders.flatMap(hiddenIn)
    .filter((name) => ![...folders, real(path)].some((used) => isBelow(used, name)));
  // Deno splits lists at commas and has no way to escape one: such a project is read with all others.
  const hasComma = (one: string) => one.includes(",");
  const denied = hidden.filter((one) => !hasComma(one)).join(",");
  return [
    own.some(hasComma)
      ? "--allow-read"
      : `--allow-read=${folders.filter((f) => !hasComma(f)).join(",")}`,
    ...denied === "" ? [] : [`--deny-read=${denied}`],
  ];
}

/** The nearest folder above that is the top of a project; none where there is no such mark. */
function projectOf(folder: string): string[] {
  for (let at = folder; at !== dirname(at); at = dirname(at)) {
    if (MARKS.some((mark) => exists(join(at, mark)))) return [at];
  }
  return [];
}

function hiddenIn(folder: string): string[] {
  try {
    return Array.from(Deno.readDirSync(folder), ({ name }) => name)
      .filter((name) => name.startsWith(".")).map((name) => join(folder, name));
  } catch {
    return []; // Who reads the config says why.
  }
}

/** Whether a path lies in a folder, or is it. */
function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && !way.startsWith(sep));
}

function real(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    return path;
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

function caches(): Record<string, string> {
  return Object.fromEntries(CACHES.flatMap((variable) => {
    const { state } = Deno.permissions.querySync({ name: "env", variable });
    const value = state === "granted" ? Deno.env.get(variable) : undefined;
    return value === undefined ? [] : [[variable, value]];
  }));
}
