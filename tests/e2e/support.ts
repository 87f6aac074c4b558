/**
 * Runs the command `train` as a user would, in processes of its own. Each place is a folder with a
 * text and a temporary folder, so that runs leave traces nowhere else and none can hide.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { denoOptions, entryOf } from "../../src/cli/commands.ts";
import { assertHarmless } from "../support/hostile.ts";
import { textOf } from "./text.ts";

/** The repository, with a slash behind. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** The config that runs start from. */
export const SMOKE = ROOT + "configs/smoke.ts";

/** How a process ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

/** A process that may still run. */
export interface Running {
  readonly pid: number;
  /** Resolves when stdout has a line that matches. @throws when the process ends before. */
  line(pattern: RegExp): Promise<void>;
  /** The same for stderr. */
  errorLine(pattern: RegExp): Promise<void>;
  kill(signal: Deno.Signal): void;
  readonly ended: Promise<Ended>;
}

/** Where and with what a process runs. */
export interface TrainOptions {
  readonly cwd?: string;
  /** Checkout whose `train` is run, with a slash behind; this one by default. */
  readonly checkout?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Options and permissions of a command. They depend on LD_LIBRARY_PATH. */
export function taskOptions(
  libraryPath = Deno.env.get("LD_LIBRARY_PATH") ?? "",
  task = "train",
): string[] {
  return denoOptions(task, { deno: Deno.execPath(), libraryPath });
}

/** All words of a command behind `deno`, its module as a whole path. */
export function taskWords(task: string): string[] {
  return [...taskOptions(undefined, task), ROOT + entryOf(task).entry];
}

/** On a machine with cards workers of a test share the first: that is what this variable says. */
export const ONE_ADAPTER = { MESA_VK_DEVICE_SELECT: "" } as const;

/** What is said while a person waits, where a command takes long; on stderr, line by line. */
const STATUS = new RegExp(
  "^(?:reading|writing|compiling|evaluating|looking|trying|timing|measuring|fitting|planning|" +
    "starting|encoding|checking)(?: [^\n]*)?\n",
  "gm",
);

/** What else a command said on stderr: how slow a machine is decides what it says of its progress. */
export function withoutStatus(stderr: string): string {
  return stderr.replaceAll(STATUS, "");
}

/** Starts `train`. */
export function startTrain(args: readonly string[], options: TrainOptions = {}): Running {
  const start = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...taskOptions(options.env?.["LD_LIBRARY_PATH"]),
      `${options.checkout ?? ROOT}src/cli/train/train.ts`,
      ...args,
    ],
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    env: { NO_COLOR: "1", ...ONE_ADAPTER, ...options.env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stdout = new Transcript(child.stdout);
  const stderr = new Transcript(child.stderr);
  const ended = async (): Promise<Ended> => {
    const [out, err, { code }] = await Promise.all([stdout.whole, stderr.whole, child.status]);
    assertHarmless(out + err, `train ${args.join(" ")}`);
    return { code, stdout: out, stderr: err, ms: performance.now() - start };
  };
  return {
    pid: child.pid,
    line: (pattern) => stdout.line(pattern),
    errorLine: (pattern) => stderr.line(pattern),
    kill: (signal) => child.kill(signal),
    ended: ended(),
  };
}

/** Runs `train` to its end. */
export function runTrain(args: readonly string[], options: TrainOptions = {}): Promise<Ended> {
  return startTrain(args, options).ended;
}

/** A stream as text, watched while it grows. */
class Transcript {
  readonly whole: Promise<string>;
  #text = "";
  #over = false;
  #watch = Promise.withResolvers<void>();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.whole = this.#read(stream);
  }

  async line(pattern: RegExp): Promise<void> {
    while (!this.#text.split("\n").slice(0, -1).some((line) => pattern.test(line))) {
      assert(!this.#over, `No line matches ${pattern} in:\n${this.#text}`);
      await this.#watch.promise;
    }
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<string> {
    for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
      this.#text += chunk;
      this.#wake();
    }
    this.#over = true;
    this.#wake();
    return this.#text;
  }

  #wake(): void {
    this.#watch.resolve();
    this.#watch = Promise.withResolvers();
  }
}

/** What of the checkout a run needs. */
const NEEDED = ["deno.json", "deno.lock", "package.json", "src", "kernels", "workers", "configs"];

/** Copies what a run needs of this checkout, for a test that changes code; gives the path with a slash behind. */
export function copyCheckout(to: string): string {
  Deno.mkdirSync(to);
  for (const name of NEEDED) copy(join(ROOT, name), join(to, name));
  return `${to}/`;
}

/** Copies a file, or a folder with all that is in it. */
function copy(from: string, to: string): void {
  if (Deno.statSync(from).isFile) return Deno.copyFileSync(from, to);
  Deno.mkdirSync(to, { recursive: true });
  for (const { name } of Deno.readDirSync(from)) copy(join(from, name), join(to, name));
}

/** For a run that draws samples: the kernels of a decoder take long to compile for a tiny run. */
export const SAMPLES = "--report.sample_length=20";

/** Arguments of a run of a second or so, with one worker and no sample; `more` wins over them. */
export function tinyArgs(out: string, ...more: readonly string[]): string[] {
  return [
    SMOKE,
    "--data=text.txt",
    `--out=${out}`,
    "--steps=6",
    "--workers=1",
    "--micro_batch_size=2",
    "--model.layers=1",
    "--checkpoint.every=2",
    "--eval.windows=4",
    "--report.sample_length=0",
    "--report.progress_every=1",
    ...more,
  ];
}

/** A folder to run in: `text.txt` to train on, `tmp` for temporary files. Removed at the end. */
export class Place implements Disposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "shoal-e2e-" });

  constructor() {
    Deno.mkdirSync(this.of("tmp"));
    this.write("text.txt", textOf(1, 4000));
  }

  /** Path of something in the folder. */
  of(name: string): string {
    return `${this.path}/${name}`;
  }

  write(name: string, content: string | Uint8Array): void {
    if (typeof content === "string") Deno.writeTextFileSync(this.of(name), content);
    else Deno.writeFileSync(this.of(name), content);
  }

  /** The object in a JSON file. */
  json(name: string): Record<string, unknown> {
    return JSON.parse(Deno.readTextFileSync(this.of(name)));
  }

  /** Hash of the state that a finished run ended in. */
  stateHash(run: string): unknown {
    return this.json(`${run}/summary.json`)["state_hash"];
  }

  start(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    checkout: string = ROOT,
  ): Running {
    return startTrain(args, { cwd: this.path, checkout, env: { TMPDIR: this.of("tmp"), ...env } });
  }

  run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    return this.start(args, env).ended;
  }

  /** Runs to an end without a fault, or says what was on stderr. */
  async succeed(args: readonly string[]): Promise<Ended> {
    const ended = await this.run(args);
    assertEquals([ended.code, ended.stderr], [0, ""]);
    this.assertQuiet();
    return ended;
  }

  /** Runs in this folder and their workers. */
  processes(): number[] {
    return processesIn(this.path);
  }

  /** No process lives on, and no socket or temporary folder is left. */
  assertQuiet(): void {
    assertEquals({ processes: this.processes(), left: namesIn(this.of("tmp")) }, {
      processes: [],
      left: [],
    });
  }

  [Symbol.dispose](): void {
    for (const pid of this.processes()) Deno.kill(pid, "SIGKILL"); // After a test that failed.
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** Names in a folder, sorted. */
export function namesIn(path: string): string[] {
  return Array.from(Deno.readDirSync(path), (entry) => entry.name).sort();
}

/** Processes whose working folder this is; workers have that of the run which started them. */
function processesIn(folder: string): number[] {
  // Deno lets nobody look at /proc without all permissions; a process of its own may.
  const { stdout } = new Deno.Command("sh", {
    args: ["-c", "ls -l /proc/self/cwd /proc/[0-9]*/cwd"],
    stderr: "null", // Processes that end meanwhile.
  }).outputSync();
  const links = new TextDecoder().decode(stdout).split("\n");
  assert(links.length > 2, "Cannot list processes: need a /proc");
  return links.filter((line) => line.endsWith(` -> ${folder}`))
    .map((line) => Number(/\/proc\/(\d+)\/cwd/.exec(line)?.[1]));
}
