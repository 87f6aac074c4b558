/**
 * The all-reduce alone, without a training step: all ranks in this process, over real Unix
 * sockets. One thread does the work of all ranks, so the time is an upper bound for one rank.
 */
import { join } from "node:path";
import { AllReducer } from "../../src/reduce/all_reduce.ts";
import { assign } from "../../src/reduce/assign.ts";
import { cover } from "../../src/reduce/tree.ts";
import type { FencedChannel } from "../../src/transport/channel.ts";
import { dialUnix, listenUnix } from "../../src/transport/unix.ts";
import { medianSeconds } from "../time.ts";

/** Micro-batches of the step. */
const MICRO_BATCHES = 4;
const ROUNDS = 15;

/** Median seconds of one all-reduce of `length` elements among `world` ranks. */
export async function exchangeSeconds(world: number, length: number): Promise<number> {
  const folder = await Deno.makeTempDir({ prefix: "shoal-bench-" });
  const mesh = await meshOf(world, folder);
  try {
    const ranges = assign(MICRO_BATCHES, world);
    const ranks = ranges.map(({ first, count }, rank) => ({
      reducer: new AllReducer({ rank, peers: mesh[rank] as Ends, ranges, length }),
      roots: cover(first, count).map((node) => ({
        node,
        data: new Float32Array(length).fill(1 + node.index),
      })),
    }));
    let step = 0;
    const reduce = () => {
      step++;
      return Promise.all(
        ranks.map(({ reducer, roots }) => reducer.reduce(step, roots, { take: () => {} })),
      );
    };
    return await medianSeconds(reduce, ROUNDS);
  } finally {
    mesh.flat().forEach((end) => end?.close());
    await Deno.remove(folder, { recursive: true });
  }
}

/** Channels of one rank by peer. */
type Ends = (FencedChannel | undefined)[];

/** `mesh[i][j]` is the end of rank i towards rank j. */
async function meshOf(world: number, folder: string): Promise<Ends[]> {
  const mesh = Array.from({ length: world }, (): Ends => new Array(world).fill(undefined));
  for (let i = 0; i < world; i++) {
    for (let j = i + 1; j < world; j++) {
      const [a, b] = await socketPair(join(folder, `${i}-${j}.sock`));
      (mesh[i] as Ends)[j] = a;
      (mesh[j] as Ends)[i] = b;
    }
  }
  return mesh;
}

async function socketPair(path: string): Promise<[FencedChannel, FencedChannel]> {
  const listener = await listenUnix(path, { attempt: 0 });
  const pair = await Promise.all([listener.accept(), dialUnix(path, { attempt: 0 })]);
  listener.close();
  return pair;
}
