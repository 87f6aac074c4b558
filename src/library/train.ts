/** Training from a program: what `deno task train` does, as a function. */
import { join, resolve } from "node:path";
import { located } from "../artifacts/located.ts";
import { fileFault } from "../base/file_fault.ts";
import { firstError } from "../base/first_error.ts";
import { UserError } from "../base/user_error.ts";
import { loadConfig } from "../config/load.ts";
import { isPlain, type PlainConfig } from "../config/overrides.ts";
import { besideFile } from "../config/paths.ts";
import { withTodaysNames } from "../config/renamed.ts";
import { resolveConfig } from "../config/resolve.ts";
import { moduleFilesOf, withModulePaths, withUserModules } from "../config/user/user_modules.ts";
import type { EventSink } from "../report/events.ts";
import type { Summary } from "../report/summary.ts";
import { codeAsBegun, moduleCodeAsBegun } from "../../workers/launch/code.ts";
import { spawnWorkers } from "../../workers/launch/spawn.ts";
import { requireRun } from "../../workers/run/resume.ts";
import { runTraining } from "../../workers/run/run.ts";
import type { TrainConfig } from "./config.ts";
import { withInitialModel } from "./initial_model.ts";
import { freeFolder, runPlaceOf, withWorkers } from "./run_place.ts";

/** Options of `train`. */
export interface TrainOptions {
  /** Folder of the run; default: `out` of the config, else a new folder below `runs`. */
  readonly out?: string;
  /**
   * Go on from the newest checkpoint in `out`. Keys that the config leaves away keep the values of
   * that run; keys that decide its numbers must have them.
   */
  readonly resume?: boolean;
  /** Ends the run when it is aborted: the step under way is finished, and its state saved. */
  readonly signal?: AbortSignal;
  /**
   * Called with each event, in order. If it throws, the run ends as by `signal`, and `train` throws
   * that error.
   */
  readonly onEvent?: EventSink;
}

/** The result of `train`. */
export interface TrainResult {
  /** Absolute path of the run's folder, for `openModel` and for a resume. */
  readonly out: string;
  /** Whether all steps are done; false where the run was stopped before. */
  readonly finished: boolean;
  /** Finished steps, those of earlier calls included. */
  readonly steps: number;
  /** Mean training loss of the last step, nats per target; null where no step was computed. */
  readonly loss: number | null;
  /** Loss of the last evaluation, nats per target; null without one. */
  readonly valLoss: number | null;
  /** Tokens trained on. */
  readonly tokens: number;
  /** Number of parameters. */
  readonly params: number;
  /** Worker processes of this call. */
  readonly workers: number;
  /** Name of the device. */
  readonly adapter: string;
  /**
   * SHA-256 (hex) over step, parameters and optimizer state: equal for every number of workers. Empty
   * where the run was stopped before its first step.
   */
  readonly stateHash: string;
  /** Wall clock of this call, seconds. */
  readonly seconds: number;
}

/**
 * Trains a model in worker processes of this machine, and writes a run's folder as `deno task train`
 * does: checkpoints, metrics, journal, config, summary.
 *
 * @param config Keys of a run, or the path of a config file. Paths in it are relative to the working
 * folder of this process.
 * @returns The state's hash, the losses and the run's folder, once the last step is done or `signal`
 * was aborted.
 * @throws {UserError} For what a user can mend: config, data, a folder that is in use, a missing GPU,
 * a loss that diverged.
 */
export async function trainModel(
  config: TrainConfig | string,
  options: TrainOptions = {},
): Promise<TrainResult> {
  options.signal?.throwIfAborted();
  const { onEvent = () => {}, signal } = options;
  const ended = new AbortController();
  let thrown: { readonly error: unknown } | undefined;
  const show: EventSink = (event) => {
    if (thrown !== undefined) return;
    try {
      onEvent(event);
    } catch (error) {
      thrown = { error };
      ended.abort();
    }
  };
  const stop = AbortSignal.any([ended.signal, ...signal === undefined ? [] : [signal]]);
  try {
    const result = await trained(config, { ...options, show, stop });
    if (thrown === undefined) return result;
  } catch (error) {
    if (thrown === undefined) throw fileFault(firstError(error));
  }
  throw thrown.error;
}

async function trained(
  given: TrainConfig | string,
  { out: folder, resume = false, show, stop }: TrainOptions & {
    readonly show: EventSink;
    readonly stop: AbortSignal;
  },
): Promise<TrainResult> {
  codeAsBegun(); // Reading the data may take minutes: workers are held to the code of this process.
  const warn = (text: string) => show({ type: "notice", text });
  const read = typeof given === "string"
    ? besideFile(await loadConfig(given), given)
    : withModulePaths({ ...given } as PlainConfig, Deno.cwd());
  const named = resume ? await resumed(read, folder) : read;
  const input = withWorkers(await withUserModules(named, { signal: stop }));
  const config = resolveConfig(resume ? input : await withInitialModel(input, warn));
  const out = resolve(folder ?? config.out ?? freeFolder(join("runs", config.name)));
  const saysWorkers = input["workers"] !== undefined;
  if ((await moduleFilesOf(config)).size > 0) moduleCodeAsBegun();
  const { device, workers, cards } = await runPlaceOf({ config, saysWorkers }, warn);
  const summary = await runTraining({
    config: { ...config, workers, out },
    saysWorkers,
    out,
    resume,
    launch: spawnWorkers,
    device,
    cards,
    show,
    stop,
  });
  return resultOf(summary, { out, steps: config.steps, workers });
}

/** The stored config of the run in a folder, with the keys of `input` over it. */
async function resumed(input: PlainConfig, folder: string | undefined): Promise<PlainConfig> {
  const out = folder ?? input["out"];
  if (typeof out !== "string") {
    throw new UserError("config", "Cannot resume: need the folder of a run (out): none given");
  }
  await requireRun(out);
  const stored = withTodaysNames(await loadConfig(join(out, "config.json")));
  return merged(isPlain(stored) ? located(stored, out) : {}, input);
}

/** `base` with the keys of `over`, section by section. */
function merged(base: PlainConfig, over: PlainConfig): PlainConfig {
  const both = Object.entries(over).filter(([, value]) => value !== undefined).map((
    [key, value],
  ) => {
    const own = base[key];
    return [key, isPlain(own) && isPlain(value) && key !== "mix" ? merged(own, value) : value];
  });
  return { ...base, ...Object.fromEntries(both) };
}

function resultOf(
  summary: Summary | undefined,
  { out, steps, workers }: { out: string; steps: number; workers: number },
): TrainResult {
  return {
    out,
    finished: summary?.steps === steps,
    steps: summary?.steps ?? 0,
    loss: summary?.loss ?? null,
    valLoss: summary?.val_loss ?? null,
    tokens: summary?.tokens ?? 0,
    params: summary?.params ?? 0,
    workers: summary?.workers ?? workers,
    adapter: summary?.adapter ?? "",
    stateHash: summary?.state_hash ?? "",
    seconds: summary?.seconds ?? 0,
  };
}
