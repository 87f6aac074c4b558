/**
 * A worker's side of a run: receives the coordinator's orders and carries them out in order. It keeps
 * receiving while it computes, so that a new quorum or a stop interrupts it at any moment.
 */
import { ChannelError } from "../../src/transport/channel.ts";
import type { Header } from "../../src/transport/channel.ts";
import { header } from "../protocol/messages.ts";
import type { Order } from "../protocol/messages.ts";
import { Queue } from "../protocol/queue.ts";
import { failureReply, interruptionReply } from "./failures.ts";
import { handleOrder, payloadBytes } from "./handlers.ts";
import { BEAT_MS } from "./heartbeat.ts";
import { type OpenDevice, type TrainerOptions, WorkerState } from "./worker_state.ts";

/** How the orders of a coordinator ended: by `stop`, or because its channel closed. */
export type OrdersEnd = "stopped" | "gone";

/** Carries out orders until `stop`, or until the coordinator is gone. */
export async function train(options: TrainerOptions, openDevice: OpenDevice): Promise<OrdersEnd> {
  const trainer = new Trainer(options, openDevice);
  const timer = setInterval(() => trainer.beat(), BEAT_MS);
  const work = trainer.work();
  work.catch(() => {}); // errors after the end do not matter
  try {
    return await Promise.race([trainer.listen(), work]);
  } catch (error) {
    await options.coordinator.send(header(failureReply(error))).catch(() => {});
    throw error;
  } finally {
    clearInterval(timer);
    trainer.close();
  }
}

class Trainer {
  readonly #worker: WorkerState;
  readonly #orders = new Queue<{ order: Order; payload: Uint8Array }>();

  constructor(options: TrainerOptions, openDevice: OpenDevice) {
    this.#worker = new WorkerState(options, openDevice);
  }

  /** Receives orders; `hurry` and `form` also take effect at once. */
  async listen(): Promise<OrdersEnd> {
    const { options: { coordinator } } = this.#worker;
    while (true) {
      const frame = await coordinator.receive((header, bytes) => this.#checkSize(header, bytes));
      if (frame === undefined) return "gone";
      const order = frame.header as unknown as Order;
      if (order.type === "stop") return "stopped";
      if (order.type === "hurry") {
        this.#worker.hurry.abort();
        continue;
      }
      if (order.type === "form") {
        // From here on no result of the old quorum reaches anybody.
        this.#worker.formed?.end();
        this.#worker.hurry.abort();
        coordinator.attempt = order.attempt;
      }
      this.#orders.push({ order, payload: frame.payload });
    }
  }

  /** Carries out orders in order. */
  async work(): Promise<never> {
    const worker = this.#worker;
    while (true) {
      const { order, payload } = await this.#orders.next();
      try {
        await handleOrder(worker, order, payload);
      } catch (error) {
        const reply = interruptionReply(error, worker.formed !== undefined);
        if (reply === undefined) throw error;
        if (worker.formed?.isOver) continue; // the error is how a new quorum interrupts this one
        await worker.reply(reply);
        worker.formed?.end();
      }
    }
  }

  beat(): void {
    this.#worker.beat();
  }

  close(): void {
    this.#worker.close();
  }

  /** Refuses payloads of any other size than the order needs before they are allocated. */
  #checkSize(order: Header, bytes: number): undefined {
    const { type } = order;
    if (type === "setup") return; // the tokens of all texts, however many
    const needed = payloadBytes(this.#worker, order);
    if (bytes === needed) return;
    throw new ChannelError(`Cannot take ${type}: needs ${needed} bytes: got ${bytes}`);
  }
}
