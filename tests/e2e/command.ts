/** Runs commands with the options and permissions of their tasks, fed on stdin. */
import { type Ended, ONE_ADAPTER, taskWords, withoutStatus } from "./support.ts";
import { assertHarmless } from "../support/hostile.ts";

/** Where and with what a command runs. */
export interface CommandOptions {
  readonly cwd: string;
  /** What it reads; nothing unless told. */
  readonly stdin?: string | Uint8Array;
  /** Variables beside those that every command is given. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A command that may still run. */
export function startCommand(
  task: string,
  args: readonly string[],
  { cwd, stdin = "", env = {} }: CommandOptions,
): Deno.ChildProcess {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...taskWords(task), ...args],
    cwd,
    // The driver complains on stderr where the folder is not set.
    env: { NO_COLOR: "1", XDG_RUNTIME_DIR: cwd, ...ONE_ADAPTER, ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const bytes = typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin;
  // A command that is refused does not read.
  new Response(bytes.slice()).body?.pipeTo(child.stdin).catch(() => {});
  return child;
}

/** Runs a command to its end. */
export async function runCommand(
  task: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<Ended> {
  const start = performance.now();
  const child = startCommand(task, args, options);
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const said = withoutStatus(text(stderr));
  // What a model says goes into a pipe as it is.
  assertHarmless((task === "generate" ? "" : text(stdout)) + said, `${task} ${args.join(" ")}`);
  return { code, stdout: text(stdout), stderr: said, ms: performance.now() - start };
}
