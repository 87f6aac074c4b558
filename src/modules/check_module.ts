/**
 * Runs code of the user in a child process first, with the permissions of a worker. So a module that
 * never comes to an end, or needs what workers may not do, is refused before it runs here.
 */
import { once } from "../base/once.ts";
import { parseJsonText } from "../base/text/json.ts";
import { oneLine } from "../base/text/printable.ts";
import { warnText } from "../base/text/say.ts";
import { atUnload } from "../base/unload.ts";
import { EXIT, type ExitName, UserError } from "../base/user_error.ts";
import { CALLED, CHECKED, type ModuleCheck, type ModuleOutcome } from "./check_protocol.ts";
import { cannotUse, MAX_REASON } from "./import_module.ts";
import type { LocalModule } from "./local_files.ts";
import { killProcess, mayStartProcess, startUserProcess } from "./user_process.ts";

/** Time limits in ms: for a module that waits, and for one that computes. */
export interface ModuleLimits {
  readonly wait: number;
  readonly compute: number;
}

const LIMITS: ModuleLimits = { wait: 30_000, compute: 40_000 };
/** Time limit in ms for the child process to start. */
const START = 60_000;
/** Most characters that modules may print. */
const MAX_PRINTED = 1 << 20;

/** How a check is run. */
export interface CheckOptions {
  /** Default: the limits of the documentation. */
  readonly limits?: ModuleLimits | undefined;
  /** Ends the check when it is aborted: it throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Requires a module to load in a child process; does nothing where this process may start none.
 * @throws {UserError} `config` with the reason.
 */
export async function checkModule(
  { path, files, missing }: LocalModule,
  limits: ModuleLimits = LIMITS,
): Promise<void> {
  await checkInChild({ modules: [path] }, { files: [...files.keys(), ...missing], limits });
}

/**
 * Requires code of the user to pass a check in a child process, which may read `files`; does nothing
 * where this process may start none.
 * @throws {UserError} what the check throws; `config` where it takes too long or ends its process.
 */
export async function checkInChild(
  check: ModuleCheck,
  { files, limits = LIMITS, signal }: CheckOptions & { readonly files: Iterable<string> },
): Promise<void> {
  if (!mayStartProcess()) return;
  signal?.throwIfAborted();
  const child = startUserProcess("workers/module_check.ts", files);
  let why: string | undefined;
  const end = (reason: string) => {
    why ??= reason;
    killProcess(child);
  };
  using _ = atUnload(() => killProcess(child));
  const stop = () => killProcess(child);
  signal?.addEventListener("abort", stop);
  let timer = setTimeout(
    () => end(`its process needs longer than ${START / 1000} s to start`),
    START,
  );
  // The child's first line says that code of the user follows.
  const started = () => {
    clearTimeout(timer);
    const late = `it computes for longer than ${limits.compute / 1000} s`;
    timer = setTimeout(() => end(late), limits.compute);
  };
  const stdin = child.stdin.getWriter();
  try {
    const request = new TextEncoder().encode(
      JSON.stringify({ ...check, wait: limits.wait }) + "\n",
    );
    const printed = () => end(`it prints more than ${MAX_PRINTED} characters`);
    const [{ code, signal: by }, stdout, stderr] = await Promise.all([
      child.status,
      textOf(child.stdout, printed, once(started)),
      textOf(child.stderr, printed),
      stdin.write(request).catch(() => {}), // it may have ended already
    ]);
    signal?.throwIfAborted();
    const lines = stdout.split("\n");
    const outcome = lines.findLast((line) => line.startsWith(CHECKED));
    if (why === undefined && code === 0 && outcome !== undefined) {
      if (check.vocabulary === undefined) sayPrinted([...lines, ...stderr.split("\n")]);
      return requirePassed(outcome.slice(CHECKED.length));
    }
    const said = stderr.split("\n").findLast((line) => line.startsWith("error: "));
    const reason = why ?? said?.replace(/^error: (Uncaught (\(in promise\) )?)?/, "") ??
      `its process ended ${by === null ? `with code ${code}` : `by ${by}`}`;
    const call = lines.findLast((line) => line.startsWith(CALLED)) ?? "";
    const what = valueIn(call.slice(CALLED.length)) ?? cannotUse(check.modules[0] ?? "");
    const line = `${what}: ${reason.slice(0, MAX_REASON)}`;
    throw new UserError("config", oneLine(line).toWellFormed());
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
    await stdin.close().catch(() => {});
  }
}

/**
 * The text of a stream; beyond the limit the rest is dropped and `tooLong` called. `begun` is called
 * when there is some.
 */
async function textOf(
  stream: ReadableStream<Uint8Array>,
  tooLong: () => void,
  begun: () => void = () => {},
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of stream) {
    begun();
    if (text.length > MAX_PRINTED) tooLong();
    else text += decoder.decode(bytes, { stream: true });
  }
  return text;
}

/** Shows what modules printed while they were imported. */
function sayPrinted(lines: readonly string[]): void {
  const own = lines.filter((line) =>
    line !== "" && !line.startsWith(CHECKED) && !line.startsWith(CALLED)
  );
  if (own.length > 0) warnText(own.join("\n"));
}

/** Throws the fault of an outcome. Its form is checked: a module can print such a line itself. */
function requirePassed(text: string): void {
  const { fault } = Object(valueIn(text)) as ModuleOutcome;
  if (fault === undefined) return;
  const { exit, message } = Object(fault) as Partial<NonNullable<ModuleOutcome["fault"]>>;
  const name: ExitName = Object.hasOwn(EXIT, String(exit)) ? exit as ExitName : "config";
  throw new UserError(name, oneLine(String(message)).toWellFormed());
}

/** The value of a JSON text; undefined for another text, as a line that was cut short. */
function valueIn(json: string): unknown {
  try {
    return parseJsonText(json);
  } catch {
    return undefined;
  }
}
