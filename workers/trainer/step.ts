/** Handles the orders of a step: computes and reduces the gradient, votes, and updates. */
import type { AllReducer } from "../../src/reduce/all_reduce.ts";
import { cover, type SubtreePart } from "../../src/reduce/tree.ts";
import type { Order, StepTimes } from "../protocol/messages.ts";
import { stopwatch } from "./stopwatch.ts";
import type { WorkerState } from "./worker_state.ts";

/** Computes the gradient of a step, and replies `vote`. */
export async function computeStep(worker: WorkerState, step: number): Promise<void> {
  const { replica, quorum: { reducer, isOver } } = worker;
  if (isOver) return;
  const lap = stopwatch();
  const pending: Promise<void>[] = [];
  let compute = 0;
  let exchanged: Exchanged | undefined;
  try {
    const own = await computeRoots(worker, step, pending);
    compute = lap();
    exchanged = reducer && await exchange(worker, { reducer, step, ...own });
  } finally {
    // After a fault the device still computes the pieces that are left: other work would mix with it.
    await Promise.allSettled(pending);
  }
  await worker.pass("summed");
  lap();
  const found = await replica.inspect();
  const { late, ...rest } = exchanged ?? { exchange: 0, write: 0, sent: 0, hidden: 0, late: 0 };
  const waited = [...reducer?.waited ?? []];
  const times = { compute: compute + late, ...rest, inspect: lap(), waited };
  await worker.reply({ type: "vote", step, ...found, times });
}

/** The own roots of a step; `arrived` where the last one is still being computed. */
interface OwnRoots {
  readonly roots: readonly SubtreePart[];
  readonly arrived?: readonly Promise<void>[] | undefined;
}

/**
 * Computes the own roots; a worker alone leaves its only one on the device. What is still being
 * computed is added to `pending`.
 */
async function computeRoots(
  worker: WorkerState,
  step: number,
  pending: Promise<void>[],
): Promise<OwnRoots> {
  const { replica, quorum: { range: { first, count }, reducer } } = worker;
  const roots: SubtreePart[] = [];
  const nodes = cover(first, count);
  for (const [i, node] of nodes.entries()) {
    const into = reducer?.rootBuffer(i);
    const last = i === nodes.length - 1;
    if (last && into !== undefined && worker.overlaps) {
      const arrived = replica.piecewise.accumulateInPieces(step, node, into);
      for (const each of arrived) pending.push(each);
      await worker.pass("forward");
      return { roots: [...roots, { node, data: into }], arrived };
    }
    replica.accumulate(step, node);
    await worker.pass("forward");
    if (into !== undefined) roots.push({ node, data: await replica.gradient({ last, into }) });
  }
  return { roots };
}

/** What an exchange took, ms; `late`: until the own gradient was there. */
type Exchanged = Pick<StepTimes, "exchange" | "write" | "sent" | "hidden"> & {
  readonly late: number;
};

/** Reduces the gradient, and writes each part of the sum to the device as soon as it is there. */
async function exchange(
  { replica, carried, quorum }: WorkerState,
  { reducer, step, roots, arrived }: OwnRoots & { reducer: AllReducer; step: number },
): Promise<Exchanged> {
  const before = reducer.stats.bytesSent;
  const lap = stopwatch();
  const all = stopwatch();
  let [write, late, taken, early] = [0, 0, 0, 0];
  arrived?.at(-1)?.then(() => {
    late = all();
    early = taken;
  }, () => {}); // reduce() reports it
  await reducer.reduce(step, roots, {
    arrived,
    take(at, sum) {
      lap();
      replica.writeGradient(at, sum);
      write += lap();
      taken += sum.length;
    },
  });
  await carried.gather(step, quorum);
  const visible = all();
  const sent = reducer.stats.bytesSent - before;
  return { late, exchange: Math.max(0, visible - write), write, sent, hidden: early / taken };
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
