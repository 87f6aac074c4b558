/**
 * The all-reduce between two otherwise idle processes: seconds for vectors of several sizes, with
 * payloads in frames over a Unix socket, and in shared memory. Each end is a process that runs this
 * file.
 */
import { join } from "node:path";
import { cpuMode } from "../../src/device/v8.ts";
import { AllReducer, regionLayout } from "../../src/reduce/all_reduce.ts";
import { assign } from "../../src/reduce/assign.ts";
import { regionBytes } from "../../src/reduce/shared.ts";
import { cover } from "../../src/reduce/tree.ts";
import type { Channel } from "../../src/transport/channel.ts";
import { listenUnix } from "../../src/transport/unix.ts";
import { dialSoon } from "./dial.ts";
import { openShared } from "../../workers/trainer/share.ts";
import { median, secondsOf } from "../time.ts";

const MICRO_BATCHES = 4;
const WORLD = 2;
const SOCKET = "pair.sock";
const WARM_UP = 2;
const ROUNDS = 9;

/** How payloads travel. */
export const WAYS = ["in frames", "in shared memory"] as const;

/** Median seconds of one all-reduce of `length` elements between two processes. */
export async function pairSeconds(length: number, way: typeof WAYS[number]): Promise<number> {
  const folder = await Deno.makeTempDir({ prefix: "shoal-bench-" });
  try {
    const ends = [0, 1].map((rank) => start({ folder, rank, length, way }));
    const [first] = await Promise.all(ends.map((end) => end.output()));
    const text = new TextDecoder().decode(first?.stdout);
    if (!first?.success) throw new Error(`Cannot time a reduce: need two ends that agree: ${text}`);
    return median((JSON.parse(text) as number[]).slice(WARM_UP));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

interface End {
  readonly folder: string;
  readonly rank: number;
  readonly length: number;
  readonly way: string;
}

function start({ folder, rank, length, way }: End): Deno.ChildProcess {
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
      import.meta.url,
      folder,
      String(rank),
      String(length),
      way,
    ],
    stdout: "piped",
  }).spawn();
}

/** Seconds of each round, measured at one end. */
async function reduceOver(
  channel: Channel,
  { folder, rank, length, way }: End,
): Promise<number[]> {
  const ranges = assign(MICRO_BATCHES, WORLD);
  const peers = rank === 0 ? [undefined, channel] : [channel, undefined];
  const bytes = regionBytes(regionLayout({ rank, ranges, length }));
  const shared = way === WAYS[1]
    ? await openShared(peers, { folder, attempt: 0, rank, bytes })
    : undefined;
  const reducer = new AllReducer({ rank, peers, ranges, length, shared });
  const { first, count } = ranges[rank] as { first: number; count: number };
  const roots = cover(first, count).map((node, i) => {
    const data = reducer.rootBuffer(i) as Float32Array;
    return { node, data: data.fill(1 + rank) };
  });
  const times: number[] = [];
  for (let step = 0; step < WARM_UP + ROUNDS; step++) {
    times.push(await secondsOf(() => reducer.reduce(step, roots)));
  }
  return times;
}

if (import.meta.main) {
  const [folder = "", rank, length, way = ""] = Deno.args;
  const path = join(folder, SOCKET);
  const end = { folder, rank: Number(rank), length: Number(length), way };
  const listener = end.rank === 0 ? await listenUnix(path, { attempt: 0 }) : undefined;
  const channel = await listener?.accept() ?? await dialSoon(path);
  listener?.close();
  const times = await reduceOver(channel, end);
  channel.close();
  if (end.rank === 0) console.log(JSON.stringify(times));
}
