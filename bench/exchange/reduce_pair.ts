/**
 * The all-reduce between two otherwise idle processes: seconds for vectors of several sizes, for each
 * way in which payloads travel. Each end is a process that runs this file.
 */
import { join } from "node:path";
import { cpuUsage } from "node:process";
import { openCpu } from "../../src/device/cpu.ts";
import { cpuMode } from "../../src/device/v8.ts";
import { AllReducer } from "../../src/reduce/all_reduce.ts";
import { assign } from "../../src/reduce/assign.ts";
import type { ExchangeWay } from "../../src/reduce/schema.ts";
import { cover } from "../../src/reduce/tree.ts";
import type { Channel } from "../../src/transport/channel.ts";
import { LIBC_PATHS } from "../../src/transport/libc.ts";
import { listenUnix } from "../../src/transport/unix.ts";
import { dialSoon } from "./dial.ts";
import { openShared } from "../../workers/trainer/share.ts";
import { median, secondsOf } from "../time.ts";

const MICRO_BATCHES = 4;
const WORLD = 2;
const SOCKET = "pair.sock";
const WARM_UP = 3;
const ROUNDS = 9;

/** Where the gradients of a pair are: in the memory of the exchange, or on a CPU device. */
export type PairPlace = "memory" | "device";

/** What a reduce takes at one end. */
export interface PairCost {
  /** Median seconds. */
  readonly seconds: number;
  /** Mean seconds of processor time. */
  readonly cpu: number;
}

/**
 * One all-reduce of `length` elements between two processes; from a device it begins with the read of
 * the gradient, and ends when the sum is written.
 */
export async function pairCost(
  length: number,
  way: ExchangeWay,
  place: PairPlace,
): Promise<PairCost> {
  const folder = await Deno.makeTempDir({ prefix: "shoal-bench-" });
  try {
    const ends = [0, 1].map((rank) => start({ folder, rank, length, way, place }));
    const [first] = await Promise.all(ends.map((end) => end.output()));
    const text = new TextDecoder().decode(first?.stdout);
    if (!first?.success) throw new Error(`Cannot time a reduce: need two ends that agree: ${text}`);
    return JSON.parse(text);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

interface End {
  readonly folder: string;
  readonly rank: number;
  readonly length: number;
  readonly way: ExchangeWay;
  readonly place: PairPlace;
}

function start({ folder, rank, length, way, place }: End): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--cached-only",
      // As workers of the CPU device: only WebAssembly heeds the flags, and that of sums is in both.
      `--v8-flags=${cpuMode(Deno.version.deno).flags ?? "--no-liftoff"}`,
      `--allow-net=unix:${join(folder, SOCKET)}`,
      `--allow-read=${folder}`,
      `--allow-write=${folder}`,
      `--allow-ffi=${LIBC_PATHS.join(",")}`,
      import.meta.url,
      folder,
      String(rank),
      String(length),
      way,
      place,
    ],
    stdout: "piped",
  }).spawn();
}

/** The cost of the rounds, measured at one end. */
async function reduceOver(
  channel: Channel,
  { folder, rank, length, way, place }: End,
): Promise<PairCost> {
  const ranges = assign(MICRO_BATCHES, WORLD);
  const peers = rank === 0 ? [undefined, channel] : [channel, undefined];
  const shape = { rank, ranges, length, way };
  const sharing = await openShared(peers, shape, { folder, attempt: 0 });
  if (sharing.why !== undefined) throw new Error(`Cannot reduce by ${way}: ${sharing.why}`);
  const reducer = new AllReducer({ ...shape, peers, shared: sharing.memory });
  const { first, count } = ranges[rank] as { first: number; count: number };
  const roots = cover(first, count).map((node, i) => {
    const data = reducer.rootBuffer(i) as Float32Array;
    return { node, data: data.fill(1 + rank) };
  });
  const memory = openCpu().memory();
  const slot = "gradient";
  const isOnDevice = place === "device";
  if (isOnDevice) memory.ensure(slot, length);
  const round = async (step: number) => {
    const slices = [{ slot, offset: 0, length }];
    if (isOnDevice) { for (const { data } of roots) await memory.read(slices, data); }
    await reducer.reduce(step, roots, {
      take: (at, sum) => isOnDevice && memory.write(slot, sum, at),
    });
  };
  const times: number[] = [];
  let before = 0;
  for (let step = 0; step < WARM_UP + ROUNDS; step++) {
    if (step === WARM_UP) before = processorSeconds();
    times.push(await secondsOf(() => round(step)));
  }
  return {
    seconds: median(times.slice(WARM_UP)),
    cpu: (processorSeconds() - before) / ROUNDS,
  };
}

/** Processor time of this process so far. */
function processorSeconds(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1e6;
}

if (import.meta.main) {
  const [folder = "", rank, length, way = "sockets", place = "memory"] = Deno.args;
  const path = join(folder, SOCKET);
  const end = {
    folder,
    rank: Number(rank),
    length: Number(length),
    way: way as ExchangeWay,
    place: place as PairPlace,
  };
  const listener = end.rank === 0 ? await listenUnix(path, { attempt: 0 }) : undefined;
  const channel = await listener?.accept() ?? await dialSoon(path);
  listener?.close();
  const cost = await reduceOver(channel, end);
  channel.close();
  if (end.rank === 0) console.log(JSON.stringify(cost));
}
