/** Handles the `form` order: meets the other members and copies the state between them. */
import type { Order } from "../protocol/messages.ts";
import { Quorum } from "./quorum.ts";
import { receiveState, sendState } from "./transfer.ts";
import type { WorkerState } from "./worker_state.ts";

/** Joins a quorum, and replies `formed` unless another one follows meanwhile. */
export async function joinQuorum(
  worker: WorkerState,
  order: Order & { type: "form" },
): Promise<void> {
  const { replica, carried, options: { coordinator, meet, folder } } = worker;
  // Only states that were placed on the device, and advanced there, are newer than the host's.
  if (worker.placed !== undefined) await carried.readBack(worker.placed);
  worker.placed = undefined;
  // Another `form` may have followed while this one was queued: its members are gone.
  if (order.attempt !== coordinator.attempt) return;
  const quorum = new Quorum(order);
  worker.formed = quorum;
  worker.hurry = new AbortController();
  await quorum.meet(meet, {
    length: replica.gradientSize,
    pieces: replica.piecewise.pieces,
    laneSize: replica.laneSize,
    folder,
    way: worker.exchange.way,
    midway: () => worker.pass("exchange"),
  });
  if (quorum.isOver) return;
  const state = { model: replica, lanes: carried.kept };
  for (const [rank, { donor }] of quorum.members.entries()) {
    if (donor === quorum.rank) await sendState(quorum.peer(rank), state);
    if (donor < 0 || rank !== quorum.rank) continue;
    await quorum.awaiting(donor, (channel) => receiveState(channel, state));
  }
  carried.place(quorum);
  worker.placed = quorum;
  await worker.reply({ type: "formed", ...quorum.sharing });
}
