/**
 * One of two workers of our side on the CPU device: a process of one thread that does half of each
 * row. Arguments: its rank, and the socket on which the two reduce gradients.
 */
import { dirname } from "node:path";
import { openCpu } from "../../src/device/cpu.ts";
import { cpuMode } from "../../src/device/v8.ts";
import { AllReducer } from "../../src/reduce/all_reduce.ts";
import { assign } from "../../src/reduce/assign.ts";
import { listenUnix } from "../../src/transport/unix.ts";
import { openShared } from "../../workers/trainer/share.ts";
import { dialSoon } from "../exchange/dial.ts";
import { serve, type Work } from "../peers/serve.ts";
import type { Task } from "../peers/task.ts";
import { openGenerate } from "./generate.ts";
import { halfOf, valuesOfHalf, WORLD } from "./halves.ts";
import { isKernel, openKernel } from "./kernel.ts";
import { openStep, type StepShare } from "./step.ts";

const [rank, socket = ""] = [Number(Deno.args[0]), Deno.args[1]];

async function connect() {
  if (rank !== 0) return await dialSoon(socket);
  const listener = await listenUnix(socket, { attempt: 0 });
  const channel = await listener.accept();
  listener.close();
  return channel;
}

const channel = await connect();
const peers = rank === 0 ? [undefined, channel] : [channel, undefined];
const share: StepShare = {
  rank,
  world: WORLD,
  reducer(length) {
    let made: AllReducer | undefined;
    return async (step, root, take) => {
      made ??= await reducerOf(length);
      await made.reduce(step, [root], { take });
    };
  },
};

let attempt = 0;

/** As workers have it in training, with payloads in shared memory. */
async function reducerOf(length: number): Promise<AllReducer> {
  const shape = { rank, ranges: assign(WORLD, WORLD), length, way: "file" } as const;
  const place = { folder: dirname(socket), attempt: attempt++ };
  const { memory } = await openShared(peers, shape, place);
  return new AllReducer({ ...shape, peers, shared: memory });
}

async function open(task: Task): Promise<Work<number[][]>> {
  const device = openCpu({ pairs: cpuMode(Deno.version.deno).pairs });
  if (isKernel(task)) {
    const { results, ...work } = await openKernel(device, halfOf(task, rank));
    return { ...work, values: valuesOfHalf(task, results) };
  }
  const work =
    await (task.kind === "generate" ? openGenerate(device, task) : openStep(device, task, share));
  return { ...work, values: work.values.map((value) => [value]) };
}

await serve({ name: "half", version: Deno.version.deno, adapter: "cpu", open });
Deno.exit(0);
