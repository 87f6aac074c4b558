/** A trial as a process: the command `train` with the options of its task. Judges nothing. */
import { fileURLToPath } from "node:url";
import { CONFIG } from "../../base/installed.ts";
import { atUnload } from "../../base/unload.ts";
import { END_AT_ONCE } from "../../terminal/signals.ts";
import { denoOptions } from "../commands.ts";

/** Characters of stderr that are remembered. */
const REMEMBERED = 4096;

/** What a process is to train. */
export interface ChildOptions {
  /** The trial's folder, which holds its config. */
  readonly folder: string;
  /** Step to stop at. */
  readonly until: number;
  readonly workers: number;
  /** Card of each worker; none where all share what the driver offers. */
  readonly gpus: readonly string[];
  /** Threads that a software driver may use in each worker; its own choice unless told. */
  readonly threads: number | undefined;
}

/** A process that trains. */
export interface Child {
  /** Exit code, and the last line on stderr. */
  readonly ended: Promise<{ readonly code: number; readonly error: string }>;
  /** Lets it save and end, however often it is called. */
  stop(): void;
  kill(): void;
}

/** Starts a process that begins or goes on with the trial in a folder. */
export function startChild({ folder, until, workers, gpus, threads }: ChildOptions): Child {
  const passed = Deno.env.get("LP_NUM_THREADS") ?? threads;
  const deno = Deno.execPath();
  const child = new Deno.Command(deno, {
    args: [
      ...denoOptions("train", { deno, libraryPath: Deno.env.get("LD_LIBRARY_PATH") }),
      CONFIG,
      fileURLToPath(new URL("../train/trial.ts", import.meta.url)),
      `--config=${folder}/config.json`,
      `--resume=${folder}`,
      `--steps=${until}`,
      `--workers=${workers}`,
      ...gpus.length === 0 ? [] : [`--gpus=${gpus.join()}`],
    ],
    env: { NO_COLOR: "1", ...passed !== undefined && { LP_NUM_THREADS: String(passed) } },
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  // A sweep that is ended at once ends its trials so as well: they take their workers with them.
  const unload = atUnload(() => kill(child, END_AT_ONCE));
  let stopped = false;
  const stop = () => {
    // A trial that has ended has closed the pipe itself.
    if (!stopped) child.stdin.close().catch(() => {});
    stopped = true;
  };
  const over = () => {
    unload[Symbol.dispose]();
    stop();
  };
  return { ended: ended(child).finally(over), stop, kill: () => kill(child) };
}

async function ended(child: Deno.ChildProcess): Promise<{ code: number; error: string }> {
  let text = "";
  for await (const part of child.stderr.pipeThrough(new TextDecoderStream())) {
    text = (text + part).slice(-REMEMBERED);
  }
  const { code, signal } = await child.status;
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const own = lines.findLast((line) => line.startsWith("error: "))?.slice("error: ".length);
  const error = own ?? (signal === null ? lines.at(-1) : `its process was ended by ${signal}`);
  return { code, error: error ?? "" };
}

function kill(child: Deno.ChildProcess, signal: Deno.Signal = "SIGKILL"): void {
  try {
    child.kill(signal);
  } catch {
    // It has ended meanwhile.
  }
}
