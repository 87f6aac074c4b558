/**
 * What a step costs with several workers, as real processes: how much of it is moving the gradient.
 * Parts of the way are also measured alone, since in a step they hide behind waiting for peers.
 */
import gptChar from "../configs/gpt_char.ts";
import { resolveConfig } from "../src/config/resolve.ts";
import type { RunConfig } from "../src/config/schema.ts";
import { openWebGpu } from "../src/device/webgpu.ts";
import type { WebGpuDevice } from "../src/device/webgpu.ts";
import type { StepTimes } from "../workers/messages.ts";
import { shapeOf } from "../workers/plans.ts";
import type { Corpus } from "../workers/corpus.ts";
import { corpusOf } from "./corpus.ts";
import { exchangeSeconds } from "./exchange.ts";
import type { Report } from "./report.ts";
import { fixed, percent } from "./table.ts";
import { benchTeam } from "./team.ts";
import { median, medianSeconds } from "./time.ts";

const WORLDS: readonly number[] = [2, 4];

const WARM_UP = 5;
const STEPS = 25;

/** Milliseconds of one step of a world, medians over its steps. */
interface WorldTimes extends Omit<StepTimes, "waited"> {
  readonly world: number;
  readonly step: number;
  /** What rank 0 did not account for: orders and votes on their way, and waiting for them. */
  readonly rest: number;
}

/** Times worlds whose names (`workers=2`) hold `filter`. */
export async function benchReduce({ filter }: { filter: string }): Promise<Report> {
  const config = resolveConfig(gptChar);
  const corpus = await corpusOf(config);
  const { layout } = shapeOf(config, corpus.vocabulary);
  const length = layout.pieces.reduce((a, b) => a + b, 0);
  const device = await openWebGpu({ runtime: Deno.version.deno });
  const readBack = await readBackSeconds(device, length);
  const rows: string[][] = [];
  for (const world of WORLDS) {
    if (!`workers=${world}`.includes(filter)) continue;
    const times = await timeWorld({ ...config, workers: world }, corpus);
    rows.push(rowOf(times, { readBack, exchange: await exchangeSeconds(world, length) }));
  }
  return {
    what: "reduce",
    adapter: device.name,
    sections: [{
      title: `${config.name}: a step with several workers, ms`,
      table: [HEAD, ...rows],
      notes: [
        `The gradient has ${length} elements, ${fixed(4 * length / 1e6)} MB; columns of the ` +
        "step are medians of rank 0",
        "compute holds the read-back and, of a device that is shared, the wait for it; exchange " +
        "holds the wait for the slowest peer",
        "read and exchange alone: on an idle device, and all ranks in one process over Unix sockets",
        "moving alone: read alone, exchange alone and write, as a share of the step; moving: with " +
        "exchange as the step saw it",
      ],
    }],
  };
}

const HEAD = [
  "workers",
  "step",
  "compute",
  "exchange",
  "write",
  "inspect",
  "rest",
  "read alone",
  "exchange alone",
  "moving alone",
  "moving",
];

function rowOf(
  { world, step, compute, exchange, write, inspect, rest }: WorldTimes,
  alone: { readBack: number; exchange: number },
): string[] {
  const [readBack, exchanged] = [1e3 * alone.readBack, 1e3 * alone.exchange];
  return [
    String(world),
    ...[step, compute, exchange, write, inspect, rest, readBack, exchanged].map(fixed),
    percent(readBack + exchanged + write, step),
    percent(readBack + exchange + write, step),
  ];
}

/** Seconds to read a gradient of `length` elements from a device that has nothing else to do. */
async function readBackSeconds(device: WebGpuDevice, length: number): Promise<number> {
  const memory = device.memory();
  memory.ensure("gradient", length);
  return await medianSeconds(() => memory.read([{ slot: "gradient", offset: 0, length }]), 20);
}

/** Leads `config.workers` processes through some steps. */
async function timeWorld(config: RunConfig, corpus: Corpus): Promise<WorldTimes> {
  const team = benchTeam(config, corpus);
  try {
    await team.open();
    await team.form(0);
    await team.order({ type: "step", step: 0, strikes: [] });
    const laps: Omit<WorldTimes, "world">[] = [];
    const count = WARM_UP + STEPS;
    let start = performance.now();
    for (let step = 0; step < count; step++) {
      const [vote] = await team.expect("vote");
      await team.order({ type: "commit", step, next: step + 1 < count, strikes: [] });
      if (vote === undefined) continue;
      const now = performance.now();
      const { compute, exchange, write, inspect } = vote.reply.times;
      const rest = now - start - compute - exchange - write - inspect;
      if (step >= WARM_UP) laps.push({ ...vote.reply.times, step: now - start, rest });
      start = now;
    }
    const of = (key: keyof Omit<WorldTimes, "world">) => median(laps.map((lap) => lap[key]));
    return {
      world: config.workers,
      step: of("step"),
      compute: of("compute"),
      exchange: of("exchange"),
      write: of("write"),
      inspect: of("inspect"),
      rest: of("rest"),
    };
  } finally {
    await team.close();
  }
}
