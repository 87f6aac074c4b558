/** Handles the orders of a step: computes and reduces the gradient, votes, and updates. */
import { cover } from "../../src/reduce/tree.ts";
import type { Order } from "../protocol/messages.ts";
import { stopwatch } from "./stopwatch.ts";
import type { WorkerState } from "./worker_state.ts";

/** Computes the gradient of a step, and replies `vote`. */
export async function computeStep(worker: WorkerState, step: number): Promise<void> {
  const { replica, carried, quorum } = worker;
  const { range: { first, count }, reducer, isOver } = quorum;
  if (isOver) return;
  const lap = stopwatch();
  const roots = [];
  const nodes = cover(first, count);
  for (const [i, node] of nodes.entries()) {
    replica.accumulate(step, node);
    await worker.pass("forward");
    if (reducer === undefined) continue;
    const last = i === nodes.length - 1;
    roots.push({ node, data: await replica.gradient({ last, into: reducer.rootBuffer(i) }) });
  }
  const compute = lap();
  let [exchange, write] = [0, 0];
  const before = reducer?.stats.bytesSent ?? 0;
  if (reducer !== undefined) {
    const sum = await reducer.reduce(step, roots);
    await carried.gather(step, quorum);
    exchange = lap();
    replica.setGradient(sum);
    write = lap();
  }
  await worker.pass("summed");
  const found = await replica.inspect();
  const waited = [...reducer?.waited ?? []];
  const sent = (reducer?.stats.bytesSent ?? 0) - before;
  const times = { compute, exchange, write, inspect: lap(), sent, waited };
  await worker.reply({ type: "vote", step, ...found, times });
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
