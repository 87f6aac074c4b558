/** Evaluates a config's module in a process of its own that may read its project and nothing else. */
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseJsonText } from "../base/json.ts";
import { warnText } from "../base/say.ts";
import { type Evaluated, RESULT } from "./module_child.ts";

/** Milliseconds that a module may wait, and that it may compute. */
const PATIENCE = { wait: 30_000, compute: 40_000 } as const;
/** The checkout: its configs and kernels may be imported. */
const CHECKOUT = resolve(fileURLToPath(new URL("../../", import.meta.url)));
/** What lies at the top of a project. */
const MARKS = ["deno.json", "deno.jsonc", "package.json", ".git"];
/** Variables that say where Deno keeps packages and compiled modules. */
const CACHES = ["HOME", "DENO_DIR", "XDG_CACHE_HOME"];

/** What comes of the module at a path. What it prints goes to stderr. */
export async function evaluateModule(path: string): Promise<Evaluated> {
  const whole = resolve(path);
  const { code, signal, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
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
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(PATIENCE.compute),
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const lines = text(stdout).trimEnd().split("\n");
  const last = lines.pop() ?? "";
  const said = [...lines, ...text(stderr).split("\n")].filter((line) => line !== "");
  if (code === 0 && last.startsWith(RESULT)) {
    if (said.length > 0) warnText(said.join("\n"));
    return resultIn(last.slice(RESULT.length));
  }
  return { reason: ending(said, { code, signal }) };
}

/** A config may print such a line itself and exit: what the line says is held to what a child says. */
function resultIn(text: string): Evaluated {
  try {
    const found = parseJsonText(text);
    if (typeof found === "object" && found !== null && !Array.isArray(found)) return found;
  } catch {
    // Said below.
  }
  return { reason: "it prints another result than its own" };
}

/** Why there is no value. */
function ending(
  said: readonly string[],
  { code, signal }: { code: number; signal: Deno.Signal | null },
): string {
  if (signal === "SIGTERM") return `it computes for longer than ${PATIENCE.compute / 1000} s`;
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
