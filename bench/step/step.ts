/**
 * One training step on one device, in this process: its time by host and device, and by op. Scaling
 * over several workers is measured by another bench.
 */
import { countsOf, usedOf } from "../../src/budget/counts.ts";
import { flopsPerToken } from "../../src/budget/flops.ts";
import { betterPeaks, measurePeaks, type Peaks } from "../../src/measure/peak.ts";
import { exceededNotes, usesOf } from "../../src/measure/utilization.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { taskOf } from "../../src/data/sources/mod.ts";
import { isSoftware } from "../../src/device/adapter.ts";
import type { Target } from "../../src/graph/types.ts";
import type { Plan } from "../../src/plan/types.ts";
import { gradientPlan, shapeOf } from "../../src/engine/plans.ts";
import { inspectPlan, treeAddPlan, updatePlan } from "../../src/engine/vector_plans.ts";
import { Replica } from "../../src/engine/replica.ts";
import type { Corpus } from "../../src/corpus/corpus.ts";
import { corpusOf } from "../corpus.ts";
import { type BenchDevice, cpuName, deviceHere, openBenchDevice, shownName } from "../device.ts";
import { adapterHere, isCpuDevice } from "../machine.ts";
import type { Report, Section } from "../report.ts";
import { gpuConfigs, stepConfigs } from "./step_configs.ts";
import { timeByOp } from "./step_ops.ts";
import type { PlanUse } from "./step_ops.ts";
import { fixed, percent } from "../table.ts";
import { type Budget, median, secondsOf } from "../time.ts";
import { timeDevice } from "./timed_device.ts";
import type { Filter } from "../filter.ts";
import type { HostTimes, TimedDevice } from "./timed_device.ts";

/** How much is measured. */
export interface StepEffort {
  /** Seconds of whole steps, about. */
  readonly seconds: number;
  /** Of each call alone. */
  readonly calls: Budget;
}

/** Short timings of calls, because there are many. */
const EFFORT: StepEffort = { seconds: 3, calls: { rounds: 3, roundSeconds: 0.01 } };
/** Warmup steps, and bounds of the number of measured steps. */
const WARM_UP = 3;
const STEPS: readonly [number, number] = [5, 60];

/**
 * Times a step of each config whose name contains `filter`; off GPUs, GPU configs by full name
 * only.
 */
export async function benchStep(
  { filter, doing, device: asked = "auto", effort = EFFORT }: Filter & {
    readonly effort?: StepEffort;
  },
): Promise<Report> {
  const sections: Section[] = [];
  const device = await deviceHere(asked);
  let adapter = device === "cpu" ? cpuName() : await adapterHere();
  const software = device === "cpu" || isSoftware(adapter);
  const larger = gpuConfigs().filter(({ name }) => !software || name === filter);
  for (const config of [...stepConfigs(), ...larger]) {
    if (!config.name.includes(filter)) continue;
    doing?.(config.name);
    const timed = await timeConfig(config, { kind: device, effort });
    adapter = timed.adapter;
    sections.push(...timed.sections);
  }
  return { what: "step", adapter, sections };
}

/** The plans of a step. */
export function plansOf(config: RunConfig, vocabulary: number): PlanUse[] {
  const { layout } = shapeOf(config, vocabulary);
  const { micro_batches } = config;
  const levels = Array.from({ length: Math.log2(micro_batches) }, (_, level) => level);
  return [
    {
      name: "gradient",
      plan: gradientPlan(config, vocabulary, layout),
      times: micro_batches,
    },
    ...levels.map((level) => ({
      name: `tree add ${level}`,
      plan: treeAddPlan(layout, level),
      times: micro_batches / 2 ** (level + 1),
    })),
    { name: "inspect", plan: inspectPlan(layout), times: 1 },
    { name: "update", plan: updatePlan(config, layout), times: 1 },
  ];
}

async function timeConfig(
  config: RunConfig,
  { kind, effort }: { kind: BenchDevice; effort: StepEffort },
): Promise<{ adapter: string; sections: Section[] }> {
  const corpus = await corpusOf(config);
  const gpu = await openBenchDevice(kind, { clock: true });
  const before = await measurePeaks(gpu);
  const timed = timeDevice(gpu);
  const replica = new Replica(timed.device, { config, corpus });
  const cold = await secondsOf(() => openAndStep(replica, config));
  const warm = await openAgain(config, { corpus, kind });
  let plans: PlanUse[] = [];
  const compile = await secondsOf(() => plans = plansOf(config, corpus.vocabulary));
  const steps = await timeSteps(config, {
    replica,
    timed,
    seconds: effort.seconds,
    passSeconds: () => gpu.passSeconds(),
  });
  const place = { device: gpu, memory: timed.memory(), budget: effort.calls };
  const byOp = await timeByOp(plans, place);
  const tokens = config.micro_batches * config.micro_batch_size * timeOf(config);
  const adapter = shownName(gpu);
  const use = useNote(config, {
    corpus,
    peaks: betterPeaks(before, await measurePeaks(gpu)),
    tokens_per_s: tokens / steps.median,
  });
  return {
    adapter,
    sections: [
      splitSection(config, { ...steps, adapter, tokens, parameters: replica.parameters, use }),
      { title: `${config.name}: device time by op`, ...byOp },
      loadSection(config, { plans, adapter, target: gpu.target, compile, cold, warm }),
    ],
  };
}

/** Model FLOP utilisation by each formula, of the best matmul of this device. */
function useNote(
  config: RunConfig,
  { corpus, peaks: { flops_per_s, side }, tokens_per_s }: {
    corpus: Corpus;
    peaks: Peaks;
    tokens_per_s: number;
  },
): string {
  const { model } = config;
  const { params } = shapeOf(config, corpus.vocabulary);
  const task = taskOf(config.data, corpus.vocabulary);
  const counts = { ...countsOf(params, model), all: usedOf(params) };
  const uses = usesOf(flopsPerToken(counts, { model, time: timeOf(config), task }), {
    tokens_per_s,
    peaks: { "the best matmul": flops_per_s },
  });
  const shares = uses.map(({ formula, mfu }) =>
    `${mfu === null ? "unknown" : percent(mfu, 1)} by ${formula}`
  ).join(", ");
  const best = `${fixed(flops_per_s / 1e9)} GFLOP/s at side ${side}`;
  return [`MFU: ${shares}; of the best matmul here, ${best}`, ...exceededNotes(uses)].join(". ");
}

/**
 * Seconds until a replica has finished a step, with a warm shader cache. The device stays open:
 * closing it while the buffer of a read is being returned to the pool would fail that read.
 */
async function openAgain(
  config: RunConfig,
  { corpus, kind }: { corpus: Corpus; kind: BenchDevice },
): Promise<number> {
  const device = await openBenchDevice(kind);
  return await secondsOf(() => openAndStep(new Replica(device, { config, corpus }), config));
}

/** Drivers may defer compilation to the first dispatch, so loading includes one step. */
async function openAndStep(replica: Replica, config: RunConfig): Promise<void> {
  await replica.open();
  await step(replica, config, 0);
}

async function step(replica: Replica, { micro_batches }: RunConfig, number: number): Promise<void> {
  replica.accumulate(number, { level: Math.log2(micro_batches), index: 0 });
  await replica.inspect();
  replica.update(number);
}

/** Means over the measured steps, in seconds. */
interface Split {
  readonly mean: number;
  readonly median: number;
  readonly count: number;
  readonly host: HostTimes;
  /** Undefined if the adapter has no timestamp queries. */
  readonly device: number | undefined;
}

async function timeSteps(
  config: RunConfig,
  { replica, timed, seconds, passSeconds }: {
    replica: Replica;
    timed: TimedDevice;
    seconds: number;
    passSeconds: () => Promise<number | undefined>;
  },
): Promise<Split> {
  let number = 1;
  const next = () => step(replica, config, number++);
  for (let i = 0; i < WARM_UP; i++) await next();
  const rough = await secondsOf(next);
  const [least, most] = STEPS;
  const count = Math.min(most, Math.max(least, Math.ceil(seconds / rough)));
  const before = await passSeconds();
  timed.reset();
  const laps: number[] = [];
  for (let i = 0; i < count; i++) laps.push(await secondsOf(next));
  const { encode, write, wait } = timed.times;
  const after = await passSeconds();
  return {
    mean: laps.reduce((a, b) => a + b, 0) / count,
    median: median(laps),
    count,
    host: { encode: encode / count, write: write / count, wait: wait / count },
    device: before === undefined || after === undefined ? undefined : (after - before) / count,
  };
}

function splitSection(
  config: RunConfig,
  { adapter, mean, median, count, host, device, tokens, parameters, use }: Split & {
    adapter: string;
    tokens: number;
    parameters: number;
    use: string;
  },
): Section {
  const { encode, write, wait } = host;
  const row = (name: string, seconds: number) => [
    name,
    fixed(seconds * 1e3),
    percent(seconds, mean),
  ];
  const { micro_batches, micro_batch_size: windows, model } = config;
  const onCpu = isCpuDevice(adapter);
  const { layers, width, cell, heads } = model as typeof model & Record<string, unknown>;
  const sizes = layers === undefined
    ? model.kind
    : `${layers} layers, width ${width}, ${cell ?? `heads ${heads}`}`;
  return {
    title: `${config.name}: one step`,
    table: [
      ["part", "ms", "share"],
      row("step, mean", mean),
      row("step, median", median),
      ...device === undefined ? [] : [row("device: passes", device)],
      ...onCpu ? [] : [row("host: encode and submit", encode)],
      row("host: writes", write),
      row(onCpu ? "host: reads" : "host: wait for the device", wait),
      row("host: the rest", mean - encode - write - wait),
    ],
    notes: [
      `${Math.round(tokens / median)} tokens/s at the median of ${count} steps`,
      use,
      `${parameters} parameters: ${sizes}; ` +
      `${micro_batches} micro-batches of ${windows} windows of ${timeOf(config)} tokens`,
      onCpu
        ? "One process of one thread; device time is that of plans by the process's clock"
        : device === undefined
        ? "This adapter has no clock: device time is not known"
        : "Device time is that of passes by timestamps, copies between buffers left out; the " +
          "host's parts overlap it; a driver on the CPU may compute while work is submitted",
    ],
  };
}

/** Dispatches of calls. */
function launchesOf(calls: Plan["calls"], target: Target): number {
  return calls.reduce((sum, call) => sum + call.op.launch(call, call.attrs, target).length, 0);
}

/** Tokens of a window. */
function timeOf({ data }: RunConfig): number {
  return taskOf(data, 0).time;
}

function loadSection(
  config: RunConfig,
  { plans, adapter, target, compile, cold, warm }: {
    plans: readonly PlanUse[];
    adapter: string;
    target: Target;
    compile: number;
    cold: number;
    warm: number;
  },
): Section {
  const onCpu = isCpuDevice(adapter);
  return {
    title: `${config.name}: plans`,
    table: [
      ["plan", "calls", ...onCpu ? [] : ["launches"], "pool MB", "tensors MB", "pool / tensors"],
      ...plans.map(({ name, plan: { calls, pooled: { bytes, tensorBytes } } }) => [
        name,
        String(calls.length),
        ...onCpu ? [] : [String(launchesOf(calls, target))],
        fixed(bytes / 1e6),
        fixed(tensorBytes / 1e6),
        tensorBytes === 0 ? "" : percent(bytes, tensorBytes),
      ]),
    ],
    notes: [
      `Tracing and compiling these plans takes ${fixed(compile * 1e3)} ms`,
      `Loading them, first parameters and first step: ${
        fixed(cold * 1e3)
      } ms, on a second device ` +
      `${fixed(warm * 1e3)} ms` +
      (onCpu ? "" : "; the driver's cache on disk is empty when this bench runs first"),
    ],
  };
}
