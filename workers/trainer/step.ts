/** Handles the orders of a step: computes and reduces the gradient, votes, and updates. */
import type { AllReducer } from "../../src/reduce/all_reduce.ts";
import { cover, type SubtreePart } from "../../src/reduce/tree.ts";
import type { Order } from "../protocol/messages.ts";
import { stopwatch } from "./stopwatch.ts";
import type { WorkerState } from "./worker_state.ts";

/** Computes the gradient of a step, and replies `vote`. */
export async function computeStep(worker: WorkerState, step: number): Promise<void> {
  const { replica, quorum } = worker;
  const { range: { first, count }, reducer, isOver } = quorum;
  if (isOver) return;
  const lap = stopwatch();
  const roots: SubtreePart[] = [];
  const nodes = cover(first, count);
  for (const [i, node] of nodes.entries()) {
    replica.accumulate(step, node);
    await worker.pass("forward");
    if (reducer === undefined) continue;
    const last = i === nodes.length - 1;
    roots.push({ node, data: await replica.gradient({ last, into: reducer.rootBuffer(i) }) });
  }
  const compute = lap();
  const exchanged = reducer === undefined
    ? { write: 0, sent: 0, hidden: 0 }
    : await exchange(worker, { reducer, step, roots });
  const exchangeTime = reducer === undefined ? 0 : lap() - exchanged.write;
  await worker.pass("summed");
  const found = await replica.inspect();
  const waited = [...reducer?.waited ?? []];
  const times = { compute, exchange: exchangeTime, ...exchanged, inspect: lap(), waited };
  await worker.reply({ type: "vote", step, ...found, times });
}

/** Reduces the gradient, and writes each part of the sum to the device as soon as it is there. */
async function exchange(
  { replica, carried, quorum }: WorkerState,
  { reducer, step, roots }: { reducer: AllReducer; step: number; roots: readonly SubtreePart[] },
): Promise<{ write: number; sent: number; hidden: number }> {
  const before = reducer.stats.bytesSent;
  let write = 0;
  await reducer.reduce(step, roots, {
    take(at, sum) {
      const lap = stopwatch();
      replica.writeGradient(at, sum);
      write += lap();
    },
  });
  await carried.gather(step, quorum);
  return { write, sent: reducer.stats.bytesSent - before, hidden: 0 };
}

/** Updates the parameters by the gradient of `step`, and begins the next step if `next`. */
export async function commitStep(
  worker: WorkerState,
  { step, next }: Order & { type: "commit" },
): Promise<void> {
  await worker.pass("apply");
  worker.replica.update(step);
  worker.carried.swap();
  if (next) await computeStep(worker, step + 1);
}
