/** The command `plan`: predicts memory, time, tokens and FLOP of a run before it starts. */
import { join } from "node:path";
import { isMissing } from "../../base/file_fault.ts";
import { UserError } from "../../base/user_error.ts";
import type { ExitName } from "../../base/user_error.ts";
import { sizeOf } from "../../base/shape.ts";
import { sayLines, sayText } from "../../base/text/say.ts";
import { countsOf } from "../../budget/counts.ts";
import { exchangeOf } from "../../budget/exchange.ts";
import { vectorLength } from "../../plan/layout.ts";
import type { PinnedCard } from "../../cards/pin.ts";
import { runExtentOf, unevenOf } from "../../budget/extent.ts";
import { faultsOf, largestWindows, type Limits } from "../../budget/fit.ts";
import { flopsPerToken } from "../../budget/flops.ts";
import { hoursOf } from "../../budget/hours.ts";
import { type Holdings, memoryOf } from "../../budget/memory.ts";
import { parseFit, predict } from "../../budget/prediction.ts";
import type { Scaling } from "../../budget/schema.ts";
import type { RunConfig } from "../../config/schema.ts";
import { readWhole } from "../../data/read.ts";
import { taskOf } from "../../data/sources/mod.ts";
import type { Device } from "../../device/types.ts";
import { showCount } from "../../report/format.ts";
import type { Status } from "../../report/progress/status.ts";
import { openRunStart } from "../../artifacts/run_start.ts";
import type { Corpus } from "../../corpus/corpus.ts";
import { holdingsOf } from "../../engine/holdings.ts";
import { runPlaceOf } from "../../library/run_place.ts";
import { type ReplicaLayout, shapeOf } from "../../engine/plans.ts";
import { idleParams } from "../../models/mod.ts";
import { probe } from "../../engine/probe.ts";
import { probeTogether } from "../../../workers/probe/probe_together.ts";
import { runCommand } from "../command.ts";
import { openDevice, WITHOUT_CHECKS } from "../device.ts";
import { flagsHelp } from "../flags.ts";
import { planLines, type PlanReport, type Speed } from "./report.ts";
import { parsePlan, PLAN, type PlanRequest } from "./request.ts";
import { compilingIn, openStatus } from "../../terminal/status.ts";
import { askedOf } from "../train/train.ts";

/** Runs `plan` with command-line arguments. */
export async function planCommand(args: readonly string[]): Promise<ExitName> {
  const request = parsePlan(args);
  if (request === "help") {
    sayText(flagsHelp(PLAN));
    return "done";
  }
  const { config: asked, saysWorkers } = await askedOf(request.line);
  const scaling = request.scaling === undefined ? undefined : await scalingIn(request.scaling);
  using status = openStatus();
  status.show("looking for cards");
  const notes: string[] = [];
  const { device, workers, cards } = await runPlaceOf(
    { config: asked, saysWorkers },
    (text) => notes.push(text),
  );
  const config = { ...asked, device, workers };
  status.show("reading the data");
  const { data: { corpus } } = await openRunStart(config);
  const report = await planOf({ ...request, scaling, cards, notes }, { config, corpus, status });
  status.end();
  sayLines(request.json ? [JSON.stringify(report)] : planLines(report));
  if (report.faults.length === 0) return "done";
  throw new UserError("tooLarge", `Cannot fit ${config.name}: ${report.faults.join("; ")}`);
}

/** The largest number of windows that the report names. */
const MOST = 2 ** 20;

async function planOf(
  request: Omit<PlanRequest, "scaling"> & {
    readonly scaling: Scaling | undefined;
    readonly cards: readonly PinnedCard[];
    readonly notes: readonly string[];
  },
  { config, corpus, status }: { config: RunConfig; corpus: Corpus; status: Status },
): Promise<PlanReport> {
  const { vocabulary, texts } = corpus;
  const { workers, model, data } = config;
  const notes = [...unevenOf(config), ...request.notes];
  status.show("compiling the plans");
  const device = await deviceOf(config, { notes, status });
  const extent = runExtentOf(
    config,
    texts.map(({ name, weight, train }) => ({ name, weight, tokens: train.length })),
  );
  const shape = shapeOf(config, vocabulary);
  const counts = countsOf(shape.params, model);
  const frozen = frozenOf(shape);
  if (frozen > 0) {
    notes.push(
      `${showCount(frozen)} parameters are frozen: the formulas count FLOP of their gradients, ` +
        "which nothing computes",
    );
  }
  const flops = flopsPerToken(counts, {
    model,
    time: extent.window,
    task: taskOf(config.data, vocabulary),
  });
  const holdings = holdingsOf(config, vocabulary);
  const memory = memoryOf(holdings);
  const limit = request.memory ?? hostMemory(device, notes);
  const adapter: Limits = {
    workers,
    binding: bounded(device?.bindingBytes),
    buffer: bounded(device?.bufferBytes),
  };
  const room: Limits = { workers, memory: limit };
  const most = (limits: Limits): number | null =>
    largestWindows(
      (micro_batch_size) => {
        const text = `trying ${micro_batch_size} windows`;
        status.show("looking for the most windows that fit", { text });
        return memoryOf(holdingsOf({ ...config, micro_batch_size }, vocabulary));
      },
      limits,
      { most: MOST },
    ) ?? null;
  const faults = faultsOf(memory, { ...adapter, ...room });
  const probed = faults.length === 0 && request.probe > 0 &&
    hasRoom(device, workers * memory.total, notes);
  const speed = device === undefined || !probed ? null : await speedOf(device, {
    config,
    corpus,
    cards: request.cards,
    steps: request.probe,
    perToken: flops[0]?.per_token ?? 6 * counts.all,
    notes,
    status,
  });
  return {
    name: config.name,
    model: JSON.stringify(model),
    vocabulary: taskOf(data, vocabulary).vocabulary,
    workers,
    parameters: counts,
    parameters_of_a_token: counts.all - idleParams(model),
    flops: flops.map((each) => ({ ...each, run: each.per_token * extent.tokens })),
    counted_flops_per_token: countedOf(holdings) / extent.tokens_per_micro_batch,
    extent,
    tokens_per_parameter: extent.tokens / counts.all,
    memory,
    memory_of_all_workers: workers * memory.total,
    exchange: exchangeOf({
      elements: vectorLength(shape.layout, "grad"),
      workers,
      microBatches: config.micro_batches,
      way: config.exchange.way,
    }),
    text_bytes: texts.reduce(
      (sum, text) =>
        sum + ("folder" in text ? 0 : 4 * (text.train.length + text.validation.length)),
      0,
    ),
    adapter: device === undefined ? null : {
      name: device.name,
      binding_bytes: adapter.binding ?? null,
      buffer_bytes: adapter.buffer ?? null,
    },
    memory_limit: limit ?? null,
    faults,
    micro_batch_size: {
      config: config.micro_batch_size,
      by_adapter: most(adapter),
      by_memory: most(room),
    },
    speed,
    prediction: request.scaling === undefined
      ? null
      : predict(request.scaling, { counts, tokens: extent.tokens }),
    notes,
  };
}

/** @throws {UserError} `noInput` or `data`. */
async function scalingIn(path: string): Promise<Scaling> {
  if (!await isFolder(path)) return parseFit(await readWhole(path), path);
  const file = join(path, "scaling.json");
  if (await isThere(file)) return parseFit(await readWhole(file), file);
  throw new UserError(
    "noInput",
    `Cannot read ${file}: need the laws of a sweep: there are none; run deno task scaling ${path} first`,
  );
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, (error) => !isMissing(error));
}

async function isFolder(path: string): Promise<boolean> {
  return await Deno.stat(path).then(({ isDirectory }) => isDirectory, () => false);
}

/** The device of a config; undefined, with a note, where there is none. */
async function deviceOf(
  { device }: RunConfig,
  { notes, status }: { notes: string[]; status: Status },
): Promise<Device | undefined> {
  // This process was started before the config was read.
  if (device.checks) notes.push(`steps of one worker are timed ${WITHOUT_CHECKS}`);
  try {
    return await openDevice(device.kind, compilingIn(status));
  } catch (error) {
    if (!(error instanceof UserError) || error.exit !== "noDevice") throw error;
    notes.push("there is no adapter: its limits and its speed are unknown");
    return undefined;
  }
}

/** Bytes of this machine where the device computes in them; WebGPU does not tell of others. */
function hostMemory(device: Device | undefined, notes: string[]): number | undefined {
  if (device?.target.kind !== "cpu") return undefined;
  notes.push(`${device.name} computes in this machine's memory, which bounds it`);
  return Deno.systemMemoryInfo().total;
}

/** Whether a probe would not take the memory that others of this machine use. */
function hasRoom(device: Device | undefined, bytes: number, notes: string[]): boolean {
  if (device?.target.kind !== "cpu" || bytes < Deno.systemMemoryInfo().available) return true;
  notes.push("less memory is free now than the workers take: nothing was timed");
  return false;
}

/** A limit, or undefined for one that is none. */
function bounded(bytes: number | undefined): number | undefined {
  return bytes === Number.MAX_SAFE_INTEGER ? undefined : bytes;
}

/** Number of frozen parameters. */
function frozenOf({ layout }: ReplicaLayout): number {
  return layout.entries.filter(({ frozen }) => frozen)
    .reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/** FLOP of a micro-batch, as the ops of the gradient plan count themselves. */
function countedOf({ plans }: Holdings): number {
  return plans.filter(({ use }) => use === "activations")
    .flatMap(({ plan }) => plan.calls)
    .reduce((sum, call) => sum + call.op.cost(call, call.attrs).flops, 0);
}

async function speedOf(
  device: Device,
  { config, corpus, cards, steps, perToken, notes, status }: {
    config: RunConfig;
    corpus: Corpus;
    cards: readonly PinnedCard[];
    steps: number;
    perToken: number;
    notes: string[];
    status: Status;
  },
): Promise<Speed> {
  const { workers, micro_batches } = config;
  const measured = await probe(device, {
    config,
    corpus,
    steps,
    timing: (done, total) => status.show("timing steps", { done, total }),
  });
  const { window, tokens_per_step } = runExtentOf(config, []);
  const work = { steps: config.steps, micro_batches, tokens_per_step };
  const alone = hoursOf(measured, { ...work, workers: 1, side_by_side: 1 });
  if (workers > 1) status.show(`timing ${workers} workers side by side`);
  const found = workers === 1 ? undefined : await probeTogether({ config, steps, cards });
  const together = typeof found === "string" ? undefined : found;
  if (typeof found === "string") {
    notes.push(`${workers} workers side by side could not be timed: ${found}`);
  }
  const all = together === undefined
    ? hoursOf(measured, { ...work, workers, side_by_side: 1 })
    : hoursOf(together, { ...work, workers, side_by_side: workers });
  const gain = (alone.step_seconds / all.step_seconds).toPrecision(2);
  const how = workers === 1
    ? "steps as fast as those measured"
    : together === undefined
    ? "as if they took turns on the device"
    : `timed side by side, ${gain} times as fast as one`;
  return {
    ...measured,
    one_worker_tokens_per_s: alone.tokens_per_s,
    flops_per_s: perToken * config.micro_batch_size * window / measured.micro_batch_seconds,
    ...all,
    how: how + "; without evaluations, checkpoints and what workers send each other",
  };
}

if (import.meta.main) await runCommand(() => planCommand(Deno.args));
