/** The command `train`: from a command line to a run. */
import { join } from "node:path";
import { Refusal } from "../base/refusal.ts";
import type { ExitName } from "../base/refusal.ts";
import { loadConfig } from "../config/load.ts";
import { applyOverrides } from "../config/overrides.ts";
import { resolveConfig } from "../config/resolve.ts";
import type { RunConfig } from "../config/schema.ts";
import { progressPrinter } from "../report/progress.ts";
import { parseFaultPlan } from "../../workers/faults/plan.ts";
import type { FaultPlan } from "../../workers/faults/schema.ts";
import { runTraining } from "../../workers/run.ts";
import { spawnCrew } from "../../workers/spawn.ts";
import { parseCommandLine } from "./args.ts";
import type { CommandLine } from "./args.ts";
import { runCommand } from "./command.ts";
import { helpText } from "./help.ts";

const DEFAULT_CONFIG = new URL("../../configs/gpt_char.ts", import.meta.url).pathname;

/** Exit code of a second interrupt: 128 + SIGINT, as shells have it. */
const INTERRUPTED = 130;

/** Runs `train` with command-line arguments. */
export async function trainCommand(args: readonly string[]): Promise<ExitName> {
  const line = parseCommandLine(args);
  if (line.help) {
    console.log(helpText());
    return "done";
  }
  const config = await configOf(line);
  const out = line.resume ?? config.out ?? freeFolder(join("runs", config.name));
  console.log(`config ${JSON.stringify({ ...config, out }, null, 2)}`);
  const output = new TextEncoder();
  const show = progressPrinter({
    terminal: Deno.stdout.isTerminal(),
    every: config.report.progress_every,
    write: (text) => Deno.stdout.writeSync(output.encode(text)),
    width: columns,
  });
  const { stop, requeued } = stopOnSignals();
  await runTraining({
    config: { ...config, out },
    out,
    resume: line.resume !== undefined,
    launch: spawnCrew,
    show,
    stop,
    ...(line.faults !== undefined && { faults: await readFaults(line.faults) }),
  });
  return requeued() && stop.aborted ? "requeue" : "done";
}

async function readFaults(path: string): Promise<FaultPlan> {
  try {
    return parseFaultPlan(await Deno.readTextFile(path), path);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new Refusal("config", `Cannot read the fault plan ${path}: ${reason}`);
  }
}

/** The config of a command line: its file, or the resumed run's own, with the overrides. */
async function configOf(line: CommandLine): Promise<RunConfig> {
  const { resume, overrides } = line;
  if (resume !== undefined && overrides["out"] !== undefined) {
    throw new Refusal(
      "config",
      "Cannot move a run: --resume goes on in its folder, leave --out away",
    );
  }
  const path = line.config ??
    (resume === undefined ? DEFAULT_CONFIG : await storedConfig(resume));
  return resolveConfig(applyOverrides(await loadConfig(path), overrides));
}

async function storedConfig(out: string): Promise<string> {
  const path = join(out, "config.json");
  try {
    await Deno.stat(path);
    return path;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Refusal(
      "config",
      `Cannot resume ${out}: it must hold a run, but config.json is missing`,
    );
  }
}

/** `base`, or the first of `base-2`, `base-3`... that does not exist. */
function freeFolder(base: string): string {
  for (let n = 1;; n++) {
    const path = n === 1 ? base : `${base}-${n}`;
    try {
      Deno.statSync(path);
    } catch {
      return path;
    }
  }
}

/** Columns of the terminal; 80 where it does not say. */
function columns(): number {
  return Deno.consoleSize().columns || 80;
}

/**
 * Aborts once SIGINT, SIGTERM or SIGUSR2 came; a second one ends the process at once. SIGUSR2 is a
 * scheduler's: the run asks to be started again.
 */
function stopOnSignals(): { stop: AbortSignal; requeued: () => boolean } {
  const controller = new AbortController();
  let requeued = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGUSR2"] as const) {
    Deno.addSignalListener(signal, () => {
      if (controller.signal.aborted) Deno.exit(INTERRUPTED);
      requeued = signal === "SIGUSR2";
      console.error("Stopping after this step; once more to stop at once");
      controller.abort();
    });
  }
  return { stop: controller.signal, requeued: () => requeued };
}

if (import.meta.main) await runCommand(() => trainCommand(Deno.args));
