/** The command `train`: resolves the config of a command line and starts the run. */
import { basename, dirname, join, resolve } from "node:path";
import { fileFault, isMissing } from "../../base/file_fault.ts";
import { UserError } from "../../base/user_error.ts";
import type { ExitName } from "../../base/user_error.ts";
import { sayText, warn } from "../../base/text/say.ts";
import { showCard } from "../../cards/card.ts";
import { anchored } from "../../config/paths.ts";
import { applyOverrides, type PlainConfig } from "../../config/overrides.ts";
import { resolveConfig } from "../../config/resolve.ts";
import type { RunConfig } from "../../config/schema.ts";
import {
  moduleFilesOf,
  withNamedModules,
  withoutModuleHashes,
  withUserModules,
} from "../../config/user/user_modules.ts";
import { schemaOf } from "../../config/user/user_schema.ts";
import { requireUsed } from "../../config/unused.ts";
import { isPrepared } from "../../data/prepared/open.ts";
import { readWhole } from "../../data/read.ts";
import { progressPrinter } from "../../report/progress/progress.ts";
import { codeAsBegun, moduleCodeAsBegun } from "../../../workers/launch/code.ts";
import { parseFaultPlan } from "../../../workers/faults/plan.ts";
import type { FaultPlan } from "../../../workers/faults/schema.ts";
import { requireRunPlaces } from "../../../workers/run/resume.ts";
import { requireOwn } from "../../artifacts/folder_owner.ts";
import { withInitialModel } from "../../library/initial_model.ts";
import { freeFolder, runPlaceOf, withWorkers } from "../../library/run_place.ts";
import { runTraining } from "../../../workers/run/run.ts";
import { spawnWorkers } from "../../../workers/launch/spawn.ts";
import { parseCommandLine } from "../args.ts";
import type { CommandLine } from "../args.ts";
import { runCommand } from "../command.ts";
import { DEFAULT_CONFIG, loadNamed } from "../config_file.ts";
import { helpText } from "../help.ts";
import { columns, openOutput, printsReport } from "../../terminal/output.ts";
import { settleRun } from "./resumed.ts";
import { stopOnSignals } from "../../terminal/signals.ts";

/** Runs `train` with command-line arguments; stops on signals, and when `leash` is aborted. */
export async function trainCommand(
  args: readonly string[],
  leash?: AbortSignal,
): Promise<ExitName> {
  const given = parseCommandLine(args);
  if (given.help) {
    return await sayHelp(given);
  }
  codeAsBegun(); // Reading the data may take minutes: workers are held to the code of this process.
  const line = await settleRun(given);
  const standing = line.resume ?? line.restart;
  const { followLinks = false } = line;
  if (standing !== undefined) {
    requireOwn(standing, { own: "a run", doing: "Cannot resume", need: "the folder of a run" });
    requireRunPlaces(standing, { restart: line.restart !== undefined, followLinks });
  }
  const asked = await askedOf(line);
  const { config } = asked;
  if ((await moduleFilesOf(config)).size > 0) moduleCodeAsBegun();
  const out = line.resume ?? line.restart ?? config.out ?? freeFolder(join("runs", config.name));
  const notices: string[] = [];
  const { device, workers, cards } = await runPlaceOf(asked, (text) => notices.push(text));
  const run = { ...config, workers, out };
  if (line.printConfig) {
    sayText(JSON.stringify(anchored(run, Deno.cwd()), null, 2));
    return "done";
  }
  printsReport();
  const output = openOutput();
  using show = progressPrinter({
    terminal: Deno.stdout.isTerminal(),
    every: config.report.progress_every,
    write: (text) => output.write(text),
    width: columns,
  });
  const { stop: signalled, requeued } = stopOnSignals({
    text: "Stopping after this step; once more to stop at once",
    supervised: leash !== undefined,
  });
  const stop = leash === undefined ? signalled : AbortSignal.any([signalled, leash]);
  const placed = cards.slice(0, workers).map((card, i) =>
    `worker ${i} computes on card ${showCard(card)}`
  );
  await runTraining({
    config: run,
    notices: [...notices, ...placed],
    saysWorkers: asked.saysWorkers,
    out,
    resume: line.resume !== undefined,
    restart: line.restart !== undefined,
    followLinks,
    launch: spawnWorkers,
    device,
    cards,
    show,
    stop,
    ...(line.faults !== undefined && { faults: await readFaults(line.faults) }),
  });
  return requeued() && stop.aborted ? "requeue" : "done";
}

/** Prints the help text, with the keys of the modules that a config or the command line names. */
async function sayHelp(line: CommandLine): Promise<"done"> {
  const { config, resume, restart, overrides } = line;
  const isNamed = (config ?? resume ?? restart) !== undefined ||
    Object.keys(overrides).some((key) => key.endsWith(".module"));
  try {
    const named = isNamed ? withNamedModules(await inputOf(line), overrides).config : {};
    sayText(helpText(schemaOf(await withUserModules(named))));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    sayText(helpText());
    warn(`The keys of its modules are not listed: ${error.message}`);
  }
  return "done";
}

async function readFaults(path: string): Promise<FaultPlan> {
  const doing = { doing: "read the fault plan", need: "a file", exit: "config" } as const;
  return parseFaultPlan(await readWhole(path, doing), path);
}

/** The config of a command line: its file, or the resumed run's own, with the overrides. */
export async function configOf(line: CommandLine): Promise<RunConfig> {
  return (await askedOf(line)).config;
}

/** The config, and whether it or the command line sets the number of workers. */
export async function askedOf(
  line: CommandLine,
): Promise<{ readonly config: RunConfig; readonly saysWorkers: boolean }> {
  const { resume } = line;
  const { config: named, overrides, dropped } = withNamedModules(
    await inputOf(line),
    line.overrides,
  );
  if (dropped.length > 0) {
    warn(`Left out ${dropped.join(", ")}: a module defines the keys of their section`);
  }
  const input = withWorkers(
    applyOverrides(await withUserModules(named), overrides, warn),
    overrides,
  );
  if (resume !== undefined && (line.config ?? overrides["init"]) !== undefined) {
    await requireOwnInit(resume, input["init"] ?? null);
  }
  const config = resolveConfig(resume === undefined ? await withInitialModel(input, warn) : input);
  requireUsed(config, Object.keys(overrides));
  requireUnsplit(config, overrides);
  return { config, saysWorkers: input["workers"] !== undefined };
}

/** @throws {UserError} `config` for a share of a text that was split when it was prepared. */
function requireUnsplit(
  { data: { path, mix } }: RunConfig,
  overrides: Readonly<Record<string, string>>,
): void {
  if (overrides["data.validation"] === undefined) return;
  const folder = mix === null ? path : Object.keys(mix)[0] ?? null;
  if (folder === null || !isPrepared(folder)) return;
  throw new UserError(
    "config",
    `Cannot take --data.validation: need a text file: ${folder} was split when it was prepared`,
  );
}

/** A config as its file has it; a run that begins with a model needs none. */
async function inputOf(line: CommandLine): Promise<PlainConfig> {
  const { config, resume, restart = resume, overrides } = line;
  if (config !== undefined) return await besideRun(config, await loadNamed(config));
  if (restart !== undefined) return await loadNamed(await storedConfig(restart));
  return overrides["init"] === undefined ? await loadNamed(DEFAULT_CONFIG) : { name: "tuned" };
}

/**
 * The stored config of a run names that run's folder, which holds a run already. To train it again
 * is to write beside it.
 */
async function besideRun(path: string, input: PlainConfig): Promise<PlainConfig> {
  const named = dirname(path);
  const folder = named === "." ? dirname(resolve(path)) : named;
  const isStored = basename(path) === "config.json" && typeof input["out"] === "string" &&
    await Deno.stat(join(folder, "metrics.jsonl")).then(({ isFile }) => isFile, () => false);
  return isStored ? { ...withoutModuleHashes(input), out: freeFolder(folder) } : input;
}

/** @throws {UserError} `config` for --init with a run that is resumed: it would be ignored. */
async function requireOwnInit(out: string, init: unknown): Promise<void> {
  const path = join(out, "config.json");
  const isStored = await Deno.stat(path).then(() => true, () => false);
  if (!isStored) return;
  const stored = anchored(await loadNamed(path), Deno.cwd())["init"] ?? null;
  if (stored === (typeof init === "string" ? resolve(init) : init)) return;
  throw new UserError(
    "config",
    `Cannot resume ${out} with --init: need a new run to begin with a model, and this one goes on ` +
      `with its own parameters: leave --init away, or leave --resume away: ${init}`,
  );
}

async function storedConfig(out: string): Promise<string> {
  const path = join(out, "config.json");
  try {
    await Deno.stat(path);
    return path;
  } catch (error) {
    if (!isMissing(error)) throw fileFault(error, { doing: "resume", path: out });
    throw new UserError(
      "config",
      `Cannot resume ${out}: it must hold a run, but config.json is missing`,
    );
  }
}

if (import.meta.main) await runCommand(() => trainCommand(Deno.args));
