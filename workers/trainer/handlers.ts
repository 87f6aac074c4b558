/** Carries out the coordinator's orders, one at a time. */
import { bytesOf, sha256 } from "../../src/base/hash.ts";
import { packLosses } from "../../src/engine/evaluation.ts";
import { packReach } from "../../src/engine/reach.ts";
import type { Order } from "../protocol/messages.ts";
import { floatsOf } from "../protocol/payload.ts";
import { joinQuorum } from "./forming.ts";
import { setUpWorker } from "./setup.ts";
import { sendSnapshot, snapshot } from "./snapshot.ts";
import { commitStep, computeStep } from "./step.ts";
import type { WorkerState } from "./worker_state.ts";

/** Carries out an order, and replies as the order demands. */
export async function handleOrder(
  worker: WorkerState,
  order: Order,
  payload: Uint8Array,
): Promise<void> {
  worker.begin(order);
  switch (order.type) {
    case "setup":
      return await setUpWorker(worker, order, payload);
    case "form":
      return await joinQuorum(worker, order);
    case "reset": {
      worker.replica.reset();
      worker.carried.clear();
      return await worker.reply({ type: "loaded" });
    }
    case "load": {
      worker.replica.write(order.vector, order.bucket, floatsOf(payload));
      return await worker.reply({ type: "loaded" });
    }
    case "load_lane": {
      worker.carried.set(order.index, floatsOf(payload));
      return await worker.reply({ type: "loaded" });
    }
    case "prove":
      return await prove(worker);
    case "step":
      return await computeStep(worker, order.step);
    case "commit":
      return await commitStep(worker, order);
    case "skip":
      return worker.replica.skip();
    case "evaluate":
      return await evaluate(worker);
    case "reach": {
      const reaches = await worker.replica.reach();
      return await worker.reply({ type: "reached" }, bytesOf(packReach(reaches)));
    }
    case "save":
      return await save(worker);
    case "sample":
      return await sample(worker, order);
    case "hurry":
    case "stop":
      return; // trainer.ts handles them as they arrive
  }
}

/** Payload sizes of orders in bytes; orders that are not listed carry none. */
export function payloadBytes(
  { replica }: WorkerState,
  { type, bucket }: { readonly type: string; readonly bucket?: unknown },
): number {
  if (type === "load") return 4 * (replica.layout.buckets[Number(bucket)] ?? 0);
  return type === "load_lane" ? 4 * replica.laneSize : 0;
}

async function prove(worker: WorkerState): Promise<void> {
  const { carried, replica, quorum } = worker;
  await carried.readBack(quorum);
  const all = `${await replica.hash()} ${sha256(bytesOf(carried.kept))}`;
  await worker.reply({ type: "proof", hash: sha256(new TextEncoder().encode(all)) });
}

async function evaluate(worker: WorkerState): Promise<void> {
  const { quorum: { rank, world }, heartbeat, replica } = worker;
  await worker.pass("evaluate");
  const losses = await replica.evaluate(rank, world, {
    signal: worker.hurry.signal,
    moved: (done, total) => heartbeat.moved({ of: "sequences", done, total }),
  });
  await worker.reply({ type: "evaluated" }, bytesOf(packLosses(losses)));
}

/** Training waits for the copy alone; the parts are sent while it goes on. */
async function save(worker: WorkerState): Promise<void> {
  const { quorum, replica } = worker;
  const parts = await snapshot(replica, quorum);
  await worker.reply({ type: "copied" });
  sendSnapshot(worker, { parts, quorum }).catch(() => {}); // a lost channel ends listen() as well
}

async function sample(
  worker: WorkerState,
  { prompt, ...options }: Order & { type: "sample" },
): Promise<void> {
  const { replica, hurry: { signal }, heartbeat } = worker;
  const tokens = await replica.sample(prompt, {
    ...options,
    signal,
    moved: () => heartbeat.moved(),
  });
  await worker.reply({ type: "sampled" }, bytesOf(Uint32Array.from(tokens)));
}
