/**
 * Step times with several worker processes, and the share of the gradient exchange.
 * Parts of it are also measured alone, since in a step they overlap with waiting for peers.
 */
import gptChar from "../../configs/gpt_char.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { TimedDevice } from "../../src/device/types.ts";
import { shapeOf } from "../../src/engine/plans.ts";
import { vectorLength } from "../../src/plan/layout.ts";
import { corpusOf } from "../corpus.ts";
import { deviceHere, openBenchDevice, shownName } from "../device.ts";
import type { Filter } from "../filter.ts";
import { exchangeSeconds } from "./exchange.ts";
import type { Report } from "../report.ts";
import { fixed, percent } from "../table.ts";
import { EXCHANGE_WAYS } from "../../src/reduce/schema.ts";
import { pairCost, type PairPlace } from "./reduce_pair.ts";
import { medianSeconds } from "../time.ts";
import { timeWorlds, type WorldTimes } from "./worlds.ts";

const WORLDS: readonly number[] = [1, 2, 4];

/** Megabytes of the vectors that two otherwise idle processes reduce. */
const PAIR_MEGABYTES: readonly number[] = [1, 10, 100];

/** Megabytes of a gradient that two processes read from their CPU devices, reduce and write back. */
const ON_DEVICE = 500;

/** Times worlds whose names (`workers=2`) contain `filter`. */
export async function benchReduce({ filter, device: asked = "auto" }: Filter): Promise<Report> {
  const kind = await deviceHere(asked);
  const config = resolveConfig({ ...gptChar, device: { kind } });
  const corpus = await corpusOf(config);
  const { layout } = shapeOf(config, corpus.vocabulary);
  const length = vectorLength(layout, "grad");
  const device = await openBenchDevice(kind);
  const readBack = await readBackSeconds(device, length);
  const worlds = WORLDS.filter((world) => world === 1 || `workers=${world}`.includes(filter));
  const times = await timeWorlds(config, corpus, worlds);
  const one = times[0] as WorldTimes;
  const rows: string[][] = [];
  for (const time of times) {
    const exchange = time.world === 1 ? 0 : await exchangeSeconds(time.world, length);
    rows.push(rowOf(time, { readBack: time.world === 1 ? 0 : readBack, exchange, one }));
  }
  const pairs: string[][] = [];
  for (const megabytes of PAIR_MEGABYTES) {
    pairs.push(...await pairRows(String(megabytes), { megabytes, place: "memory" }));
  }
  const place = "device";
  pairs.push(...await pairRows(`${ON_DEVICE} on a CPU device`, { megabytes: ON_DEVICE, place }));
  return {
    what: "reduce",
    adapter: shownName(device),
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
        "pace: tokens per second, of those of one worker, which has " +
        (kind === "cpu" ? "one core" : "the same cores for itself") + "; all worlds take turns",
      ],
    }, {
      title: "The reduce of two processes that do nothing else",
      table: [["MB", "way", "ms", "GB/s per worker", "processor s/GB"], ...pairs],
      notes: [
        "Each worker sends as many bytes as the vector has, and receives as many",
        "On a CPU device: with the read of the gradient and the write of the sum",
      ],
    }],
  };
}

const HEAD = [
  "workers",
  "step",
  "pace",
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
  alone: { readBack: number; exchange: number; one: WorldTimes },
): string[] {
  const [readBack, exchanged] = [1e3 * alone.readBack, 1e3 * alone.exchange];
  return [
    String(world),
    fixed(step),
    fixed(alone.one.step / step),
    ...[compute, exchange, write, inspect, rest, readBack, exchanged].map(fixed),
    percent(readBack + exchanged + write, step),
    percent(readBack + exchange + write, step),
  ];
}

/** A row for each way in which two processes reduce a vector. */
async function pairRows(
  name: string,
  { megabytes, place }: { megabytes: number; place: PairPlace },
): Promise<string[][]> {
  const gigabytes = megabytes / 1e3;
  const rows: string[][] = [];
  for (const way of EXCHANGE_WAYS) {
    const { seconds, cpu } = await pairCost(megabytes * 1e6 / 4, way, place);
    const figures = [1e3 * seconds, gigabytes / seconds, cpu / gigabytes];
    rows.push([name, way, ...figures.map(fixed)]);
  }
  return rows;
}

/** Seconds to read a gradient of `length` elements from an idle device. */
async function readBackSeconds(device: TimedDevice, length: number): Promise<number> {
  const memory = device.memory();
  memory.ensure("gradient", length);
  return await medianSeconds(() => memory.read([{ slot: "gradient", offset: 0, length }]), 20);
}
