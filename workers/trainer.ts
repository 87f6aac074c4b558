/**
 * What a worker does with the coordinator's orders: computes its micro-batches, reduces them with
 * its peers, votes, and updates once all have voted. It knows no process and no socket.
 */
import { bytesOf } from "../src/base/hash.ts";
import { EXIT, Refusal } from "../src/base/refusal.ts";
import type { Device } from "../src/device/types.ts";
import { AllReducer } from "../src/reduce/all_reduce.ts";
import { assign } from "../src/reduce/assign.ts";
import type { Range } from "../src/reduce/assign.ts";
import { tokenizerFrom } from "../src/data/tokenizer.ts";
import { ReduceError } from "../src/reduce/exchange.ts";
import { sliceOf } from "../src/reduce/slices.ts";
import { cover } from "../src/reduce/tree.ts";
import type { Channel, Frame } from "../src/transport/channel.ts";
import { header } from "./messages.ts";
import { floatsOf, wordsOf } from "./payload.ts";
import type { Order, Reply, StepTimes } from "./messages.ts";
import { Replica } from "./replica.ts";
import { stopwatch } from "./stopwatch.ts";

/** A worker's place among its peers. */
export interface Seat {
  readonly rank: number;
  /** Number of workers. */
  readonly world: number;
  readonly coordinator: Channel;
  /** Channels to the other workers by rank; undefined at this worker's own. */
  readonly peers: readonly (Channel | undefined)[];
}

/** Serves orders until told to stop or until the coordinator is gone. */
export async function train(
  seat: Seat,
  openDevice: (kind: string) => Promise<Device>,
): Promise<void> {
  const trainer = new Trainer(seat, openDevice);
  try {
    while (true) {
      const frame = await seat.coordinator.receive();
      if (frame === undefined) return;
      const order = frame.header as unknown as Order;
      if (order.type === "stop") return;
      await trainer.obey(order, frame);
    }
  } catch (error) {
    await seat.coordinator.send(header(failure(error))).catch(() => {});
    throw error;
  } finally {
    trainer.close();
  }
}

function failure(error: unknown): Reply {
  if (error instanceof Refusal) return { type: "failed", exit: error.exit, message: error.message };
  if (error instanceof ReduceError) {
    return { type: "failed", exit: "lost", message: error.message };
  }
  const message = error instanceof Error ? error.stack ?? error.message : String(error);
  const exit: keyof typeof EXIT = "bug";
  return { type: "failed", exit, message };
}

class Trainer {
  readonly #seat: Seat;
  readonly #openDevice: (kind: string) => Promise<Device>;
  #device: Device | undefined;
  #replica: Replica | undefined;
  #reducer: AllReducer | undefined;
  /** Micro-batches of this worker. */
  #range: Range = { first: 0, count: 0 };
  /** Of the step that was voted for last. */
  #times: Omit<StepTimes, "update"> = { compute: 0, exchange: 0, write: 0 };

  constructor(seat: Seat, openDevice: (kind: string) => Promise<Device>) {
    this.#seat = seat;
    this.#openDevice = openDevice;
  }

  async obey(order: Order, { payload }: Frame): Promise<void> {
    switch (order.type) {
      case "setup":
        return await this.#setUp(order, payload);
      case "load_carry": {
        this.#model.writeCarry(order.index, order.name, floatsOf(payload));
        return await this.#reply({ type: "loaded" });
      }
      case "load": {
        this.#model.write(order.vector, order.piece, floatsOf(payload));
        return await this.#reply({ type: "loaded" });
      }
      case "step":
        return await this.#step(order.step);
      case "commit":
        return await this.#commit(order);
      case "evaluate":
        return await this.#evaluate();
      case "reach": {
        const norms = await this.#model.reach();
        return await this.#reply({ type: "reached" }, bytesOf(norms));
      }
      case "save":
        return await this.#save();
      case "sample":
        return await this.#sample(order);
      case "stop":
        return;
    }
  }

  close(): void {
    this.#device?.close();
  }

  get #model(): Replica {
    if (this.#replica === undefined) throw new Error("Cannot obey: the worker was not set up");
    return this.#replica;
  }

  #reply(message: Reply, payload?: Uint8Array): Promise<void> {
    return this.#seat.coordinator.send(header(message), payload);
  }

  async #setUp(order: Order & { type: "setup" }, payload: Uint8Array): Promise<void> {
    const { config, vocabulary, tokenizer, trainTokens } = order;
    const tokens = wordsOf(payload);
    const device = await this.#openDevice(config.device);
    this.#device = device;
    const corpus = {
      train: tokens.subarray(0, trainTokens),
      validation: tokens.subarray(trainTokens),
      vocabulary,
      tokenizer: tokenizer === null ? undefined : tokenizerFrom(tokenizer),
    };
    const replica = new Replica(device, { config, corpus });
    await replica.open();
    this.#replica = replica;
    const { rank, world, peers } = this.#seat;
    const ranges = assign(config.micro_batches, world);
    this.#range = ranges[rank] as Range;
    if (world > 1) {
      const length = replica.layout.pieces.reduce((a, b) => a + b, 0);
      this.#reducer = new AllReducer({ rank, peers, ranges, length });
    }
    await this.#reply({ type: "ready", adapter: device.name, params: replica.parameters });
  }

  async #step(step: number): Promise<void> {
    const { first, count } = this.#range;
    const model = this.#model;
    const lap = stopwatch();
    const roots = [];
    for (const node of cover(first, count)) {
      model.accumulate(step, node);
      if (this.#reducer !== undefined) roots.push({ node, data: await model.gradient() });
    }
    const compute = lap();
    let [exchange, write] = [0, 0];
    if (this.#reducer !== undefined) {
      const sum = await this.#reducer.reduce(step, roots);
      exchange = lap();
      model.setGradient(sum);
      write = lap();
    }
    this.#times = { compute, exchange, write };
    await this.#reply({ type: "vote", step });
  }

  async #commit({ step, next }: Order & { type: "commit" }): Promise<void> {
    const lap = stopwatch();
    this.#model.update(step);
    const { loss, norm } = await this.#model.stats();
    const times = { ...this.#times, update: lap() };
    if (this.#seat.rank === 0) await this.#reply({ type: "stats", step, loss, norm, times });
    if (next) await this.#step(step + 1);
  }

  async #evaluate(): Promise<void> {
    const { rank, world } = this.#seat;
    const losses = await this.#model.evaluate(rank, world);
    const rows = losses.flatMap((l) => [l.sequence, l.loss, l.counted, l.correct]);
    await this.#reply({ type: "evaluated" }, bytesOf(Float64Array.from(rows)));
  }

  async #save(): Promise<void> {
    const { rank, world } = this.#seat;
    const model = this.#model;
    for (const vector of model.vectors) {
      for (const [piece, size] of model.layout.pieces.entries()) {
        const { start, end } = sliceOf(size, world, rank);
        if (end === start) continue;
        const data = await model.read(vector, piece, { offset: start, length: end - start });
        await this.#reply({ type: "part", vector, piece, start }, bytesOf(data));
      }
    }
    const { first, count } = this.#range;
    for (const carry of model.carries) {
      for (let index = first; index < first + count; index++) {
        const data = await model.readCarry(index, carry);
        await this.#reply({ type: "carry", name: carry.name, index }, bytesOf(data));
      }
    }
    await this.#reply({ type: "saved" });
  }

  async #sample({ prompt, length, temperature }: Order & { type: "sample" }): Promise<void> {
    const tokens = await this.#model.sample(prompt, { length, temperature });
    await this.#reply({ type: "sampled" }, bytesOf(Uint32Array.from(tokens)));
  }
}
