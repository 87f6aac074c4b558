/** The command `profile`: measures the time of a training step by op and by part. */
import { dirname } from "node:path";
import { fileFault, isMissing, withFileFaultsAsync } from "../../base/file_fault.ts";
import type { DeviceKind } from "../../base/device_kinds.ts";
import { UserError } from "../../base/user_error.ts";
import type { ExitName } from "../../base/user_error.ts";
import { sayLines, sayText } from "../../base/text/say.ts";
import { countsOf, usedOf } from "../../budget/counts.ts";
import { runExtentOf } from "../../budget/extent.ts";
import { taskOf } from "../../data/sources/mod.ts";
import { flopsPerToken } from "../../budget/flops.ts";
import type { RunConfig } from "../../config/schema.ts";
import type { Status } from "../../report/progress/status.ts";
import { openRunStart } from "../../artifacts/run_start.ts";
import type { Corpus } from "../../corpus/corpus.ts";
import { shapeOf } from "../../engine/plans.ts";
import { idleParams } from "../../models/mod.ts";
import { runCommand } from "../command.ts";
import { openTimed, WITHOUT_CHECKS } from "../device.ts";
import { flagsHelp } from "../flags.ts";
import { measureSteps, type SplitStep } from "./measure.ts";
import { betterPeaks, measurePeaks, publishedPeak } from "../../measure/peak.ts";
import { profileLines, type ProfileReport } from "./report.ts";
import { parseProfile, PROFILE } from "./request.ts";
import { exceededNotes, usesOf } from "../../measure/utilization.ts";
import { byOp, partsOf } from "./summary.ts";
import { traceOf } from "./trace.ts";
import { compilingIn, openStatus } from "../../terminal/status.ts";
import { configOf } from "../train/train.ts";

/** Runs `profile` with command-line arguments. */
export async function profileCommand(args: readonly string[]): Promise<ExitName> {
  const request = parseProfile(args);
  if (request === "help") {
    sayText(flagsHelp(PROFILE));
    return "done";
  }
  const config = await configOf(request.line);
  const { kind } = config.device;
  if (kind === "reference") {
    throw new UserError(
      "config",
      "Cannot profile: need a device with a clock: device is reference",
    );
  }
  if (request.trace !== undefined) await requireWay(request.trace);
  using status = openStatus();
  status.show("reading the data");
  const { data: { corpus } } = await openRunStart(config);
  const { report, split } = await profileOf(config, {
    corpus,
    kind,
    peak: request.peak,
    status,
  });
  status.end();
  if (request.trace !== undefined) await writeTrace(request.trace, traceOf(split, config.name));
  sayLines(request.json ? [JSON.stringify(report)] : profileLines(report));
  return "done";
}

async function profileOf(
  config: RunConfig,
  { corpus, kind, peak, status }: {
    corpus: Corpus;
    kind: Exclude<DeviceKind, "reference">;
    peak: number | undefined;
    status: Status;
  },
): Promise<{ report: ProfileReport; split: SplitStep }> {
  const { name, model, micro_batches } = config;
  status.show("timing products");
  const compiling = compilingIn(status);
  const gpu = await openTimed(kind, compiling);
  // Other work comes and goes: a peak of one moment may be below the steps of another.
  const before = await measurePeaks(gpu);
  const doing = (what: string) => status.show(what);
  const { steps, split, moved } = await measureSteps(gpu, { config, corpus, doing });
  status.show("timing products again");
  const measured = betterPeaks(before, await measurePeaks(gpu));
  const { window, tokens_per_step } = runExtentOf(config, []);
  const { params } = shapeOf(config, corpus.vocabulary);
  const task = taskOf(config.data, corpus.vocabulary);
  const counts = countsOf(params, model);
  const all = usedOf(params);
  const idle = idleParams(model);
  const used = all - idle;
  const known = peak ?? publishedPeak(gpu.name);
  const tokens_per_s = tokens_per_step / steps.median;
  const times = micro_batches / split.micro_batches;
  const uses = usesOf(flopsPerToken({ ...counts, all }, { model, time: window, task }), {
    tokens_per_s,
    peaks: {
      "the best matmul here": measured.flops_per_s,
      ...known !== undefined && {
        [peak === undefined ? "the peak that its maker states" : "the peak that was given"]: known,
      },
    },
  });
  const report: ProfileReport = {
    name,
    adapter: gpu.name,
    model: JSON.stringify(model),
    parameters: counts.all,
    parameters_used: used,
    tokens_per_step,
    step: { count: steps.count, mean: steps.mean, median: steps.median },
    tokens_per_s,
    parts: partsOf(steps),
    ops: byOp(split.passes, times),
    measured,
    uses,
    exchange: { bytes: moved.bytes, read_seconds: moved.read, write_seconds: moved.write },
    notes: [
      ...used < counts.all
        ? [
          `N of MFU is ${used}: tables that tokens are only looked up in cost no FLOP` +
          (idle > 0 ? ", nor do experts that a token is not sent to." : "."),
        ]
        : [],
      ...exceededNotes(uses),
      ...notesOf({
        times,
        split,
        software: gpu.target.kind === "cpu",
        checks: config.device.checks,
      }),
    ],
  };
  return { report, split };
}

function notesOf(
  { times, split, software, checks }: {
    times: number;
    split: SplitStep;
    software: boolean;
    checks: boolean;
  },
): string[] {
  return [
    ...checks ? [`Steps are timed ${WITHOUT_CHECKS}.`] : [],
    "Ops are timed in one step in which each call is a pass of its own, so their sum is not that of",
    "GPU; parts are means of steps as they are, and those of host and device overlap.",
    ...software
      ? ["A driver on the CPU computes while work is submitted: the host waits there."]
      : [],
    ...times > 1
      ? [
        `That step has ${split.micro_batches} micro-batches; the table counts them ${times} times.`,
      ]
      : [],
  ];
}

/** Fails before the measurement if the trace cannot be written. @throws {UserError} `config` */
async function requireWay(path: string): Promise<void> {
  const folder = dirname(path);
  const doing = {
    doing: "write the trace",
    path,
    need: `the folder ${folder}`,
    exit: "config",
  } as const;
  const { isDirectory } = await withFileFaultsAsync(doing, () => Deno.stat(folder));
  const there = await Deno.stat(path).catch((error) => {
    if (!isMissing(error)) throw fileFault(error, doing);
  });
  if (isDirectory && !there?.isDirectory) return;
  const state = isDirectory
    ? "a path for a file: it is a folder"
    : `the folder ${folder}: it is a file`;
  throw new UserError("config", `Cannot write the trace ${path}: need ${state}`);
}

/** @throws {UserError} `config` where the file cannot be written. */
async function writeTrace(path: string, events: unknown): Promise<void> {
  await withFileFaultsAsync(
    { doing: "write the trace", path, need: "a path for a file", exit: "config" },
    () => Deno.writeTextFile(path, JSON.stringify(events) + "\n"),
  );
}

if (import.meta.main) await runCommand(() => profileCommand(Deno.args));
