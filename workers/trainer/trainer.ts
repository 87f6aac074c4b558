/**
 * What a worker does with the coordinator's orders: meets the others, computes its micro-batches,
 * reduces them, votes, and updates once all have voted. It listens while it works, so that it can
 * be called away at any moment. It knows no process and no socket.
 */
import { bytesOf, sha256 } from "../../src/base/hash.ts";
import { fileFault } from "../../src/base/file_fault.ts";
import { EXIT, UserError } from "../../src/base/user_error.ts";
import type { Compiling, Device } from "../../src/device/types.ts";
import { kernelClass } from "../../src/graph/target.ts";
import { tokenizerFrom } from "../../src/data/tokenizers/mod.ts";
import { ReduceError } from "../../src/reduce/exchange.ts";
import { cover } from "../../src/reduce/tree.ts";
import { ChannelError } from "../../src/transport/channel.ts";
import type { FencedChannel, Header } from "../../src/transport/channel.ts";
import { FaultInjector } from "../faults/inject.ts";
import { Quorum } from "./quorum.ts";
import type { Meet } from "./quorum.ts";
import { header } from "../protocol/messages.ts";
import type { Order, Reply, WorkerProgress } from "../protocol/messages.ts";
import { CarriedReplica } from "./carried_replica.ts";
import { floatsOf, wordsOf } from "../protocol/payload.ts";
import { Queue } from "../protocol/queue.ts";
import { packReach } from "../../src/engine/reach.ts";
import { readIdentity } from "../protocol/reading.ts";
import { Replica } from "../../src/engine/replica.ts";
import { snapshot } from "./snapshot.ts";
import type { SnapshotPart } from "./snapshot.ts";
import { stopwatch } from "./stopwatch.ts";
import { receiveTexts } from "../protocol/texts.ts";
import { receiveState, sendState } from "./transfer.ts";

/** A worker's ties to the run. */
export interface TrainerOptions {
  /** Its place among the workers of this machine. */
  readonly index: number;
  readonly coordinator: FencedChannel;
  readonly meet: Meet;
  /** The path by which this process may read a folder. */
  readonly reachable?: (path: string) => string;
}

/** Opens the device that a config asks for, which tells of the kernels that it compiles. */
export type OpenDevice = (kind: string, compiling: Compiling) => Promise<Device>;

/** Between two signs of life, ms. */
const BEAT_MS = 500;
/** Milliseconds after which a long section lets beats and orders through. */
const LOOK_MS = 100;
/** Bit that makes a parameter another number when it is flipped. */
const BIT = 1 << 12;

/** Serves orders until told to stop or until the coordinator is gone. */
export async function train(workerId: TrainerOptions, openDevice: OpenDevice): Promise<void> {
  const trainer = new Trainer(workerId, openDevice);
  const beat = setInterval(() => trainer.beat(), BEAT_MS);
  const work = trainer.work();
  work.catch(() => {}); // what it throws after the end is of no interest
  try {
    await Promise.race([trainer.listen(), work]);
  } catch (error) {
    await workerId.coordinator.send(header(failure(error))).catch(() => {});
    throw error;
  } finally {
    clearInterval(beat);
    trainer.close();
  }
}

function failure(caught: unknown): Reply {
  const error = fileFault(caught);
  if (error instanceof UserError) {
    return { type: "failed", exit: error.exit, message: error.message };
  }
  const message = error instanceof Error ? error.stack ?? error.message : String(error);
  const exit: keyof typeof EXIT = "bug";
  return { type: "failed", exit, message };
}

/** The refusal of tokens that are damaged or cannot be read; undefined for any other error. */
function unreadable(error: unknown): UserError | undefined {
  if (error instanceof UserError) return error.exit === "data" ? error : undefined;
  const fault = fileFault(error);
  return fault instanceof UserError ? fault : undefined;
}

class Trainer {
  readonly #workerId: TrainerOptions;
  readonly #openDevice: OpenDevice;
  readonly #orders = new Queue<{ order: Order; payload: Uint8Array }>();
  readonly #striker: FaultInjector;
  #device: Device | undefined;
  #replica: Replica | undefined;
  #formation: Quorum | undefined;
  #mirror: CarriedReplica | undefined;
  /** The formation whose own carried states stand on the device. */
  #placed: Quorum | undefined;
  #hurry = new AbortController();
  /** Whether it got further in its section since the last beat. */
  #hasMoved = false;
  /** How far it is, where that can be counted; undefined once it was told. */
  #progress: WorkerProgress | undefined;
  #looked = 0;

  constructor(workerId: TrainerOptions, openDevice: OpenDevice) {
    this.#workerId = workerId;
    this.#openDevice = openDevice;
    this.#striker = new FaultInjector({
      announce: ({ do: deed, ms }) => this.#reply({ type: "strike", deed, ms }),
      lose: () => this.#device?.close(),
      poison: () => Promise.resolve(this.#model.poison("grad", 0)),
      flip: () => this.#model.damage("param", 0, BIT),
    });
  }

  /** Takes orders in; those that cannot wait are heeded at once. */
  async listen(): Promise<void> {
    const { coordinator } = this.#workerId;
    while (true) {
      const frame = await coordinator.receive((header, bytes) => this.#place(header, bytes));
      if (frame === undefined) return;
      const order = frame.header as unknown as Order;
      if (order.type === "stop") return;
      if (order.type === "hurry") {
        this.#hurry.abort();
        continue;
      }
      if (order.type === "form") {
        // From here on nothing that the old formation computed reaches anybody.
        this.#formation?.end();
        this.#hurry.abort();
        coordinator.attempt = order.attempt;
      }
      this.#orders.push({ order, payload: frame.payload });
    }
  }

  /** Obeys orders in turn. */
  async work(): Promise<void> {
    while (true) {
      const { order, payload } = await this.#orders.next();
      try {
        await this.#obey(order, payload);
      } catch (error) {
        const reply = this.#interruption(error);
        if (reply === undefined) throw error;
        if (this.#formation?.isOver) continue; // it was called away, and this is how it shows
        await this.#reply(reply);
        this.#formation?.end();
      }
    }
  }

  /** What ends a formation and leaves the state whole; undefined for any other error. */
  #interruption(error: unknown): Reply | undefined {
    if (error instanceof ReduceError || error instanceof ChannelError) {
      return { type: "broken", message: error.message };
    }
    const fault = unreadable(error);
    if (fault === undefined || this.#formation === undefined) return undefined;
    return { type: "unreadable", exit: fault.exit, message: fault.message };
  }

  beat(): void {
    const waiting = [...this.#formation?.waitsFor ?? []];
    const moved = this.#hasMoved;
    const progress = this.#progress;
    this.#hasMoved = false;
    this.#progress = undefined;
    const beat = { type: "beat", waiting, moved, ...progress && { progress } } as const;
    // A formation that is over does not silence the heart.
    this.#workerId.coordinator.send(header(beat)).catch(() => {});
  }

  /** Part of a long section is done. A device may keep the event loop for itself: beats come through. */
  #move = async (progress?: WorkerProgress): Promise<void> => {
    this.#hasMoved = true;
    this.#progress = progress;
    if (performance.now() - this.#looked < LOOK_MS) return;
    await new Promise((resolve) => setTimeout(resolve));
    this.#looked = performance.now();
  };

  close(): void {
    this.#formation?.end();
    this.#device?.close();
  }

  /** Only what an order must carry is received, and only as long as it must be. */
  #place({ type, ...rest }: Header, bytes: number): undefined {
    if (type === "setup") return; // the whole text, of whatever length it is
    const sizes: Readonly<Record<string, () => number | undefined>> = {
      load: () => this.#model.layout.buckets[Number(rest["bucket"])],
      load_lane: () => this.#model.laneSize,
    };
    const needed = 4 * (sizes[type]?.() ?? 0);
    if (bytes === needed) return;
    throw new ChannelError(`Cannot take ${type}: needs ${needed} bytes: got ${bytes}`);
  }

  async #obey(order: Order, payload: Uint8Array): Promise<void> {
    if ("strikes" in order) this.#striker.take(order.strikes);
    switch (order.type) {
      case "setup":
        return await this.#setUp(order, payload);
      case "form":
        return await this.#form(order);
      case "reset": {
        this.#model.reset();
        this.#lanes.clear();
        return await this.#reply({ type: "loaded" });
      }
      case "load": {
        this.#model.write(order.vector, order.bucket, floatsOf(payload));
        return await this.#reply({ type: "loaded" });
      }
      case "load_lane": {
        this.#lanes.set(order.index, floatsOf(payload));
        return await this.#reply({ type: "loaded" });
      }
      case "prove":
        return await this.#prove();
      case "step":
        return await this.#step(order.step);
      case "commit":
        return await this.#commit(order);
      case "skip":
        return this.#model.skip();
      case "evaluate":
        return await this.#evaluate();
      case "reach": {
        const reaches = await this.#model.reach();
        return await this.#reply({ type: "reached" }, bytesOf(packReach(reaches)));
      }
      case "save":
        return await this.#save();
      case "sample":
        return await this.#sample(order);
      case "hurry":
      case "stop":
        return;
    }
  }

  get #model(): Replica {
    if (this.#replica === undefined) throw new Error("Cannot obey: the worker was not set up");
    return this.#replica;
  }

  get #lanes(): CarriedReplica {
    if (this.#mirror === undefined) throw new Error("Cannot obey: the worker was not set up");
    return this.#mirror;
  }

  get #own(): Quorum {
    if (this.#formation === undefined) throw new Error("Cannot obey: the worker met nobody yet");
    return this.#formation;
  }

  /** Says nothing of what was computed for a formation that is over. */
  async #reply(message: Reply, payload?: Uint8Array): Promise<void> {
    // What was begun is over: told with a later beat, this would look like something new.
    this.#progress = undefined;
    if (this.#formation?.isOver) return;
    await this.#workerId.coordinator.send(header(message), payload);
  }

  async #setUp(order: Order & { type: "setup" }, payload: Uint8Array): Promise<void> {
    const { config, vocabulary, tokenizer, texts } = order;
    await this.#striker.at("start");
    const device = await this.#openDevice(config.device, {
      progress: (kernels) => this.#move({ of: "kernels", ...kernels }),
      share: { index: this.#workerId.index, of: config.workers },
    });
    this.#device = device;
    const corpus = {
      texts: receiveTexts(texts, wordsOf(payload), this.#workerId.reachable),
      vocabulary,
      tokenizer: tokenizer === null ? undefined : tokenizerFrom(tokenizer),
    };
    const replica = new Replica(device, { config, corpus });
    await replica.open({ trains: order.trains });
    const read = readIdentity(config, { corpus, sent: texts, numbers: payload });
    this.#replica = replica;
    this.#mirror = new CarriedReplica(replica, config.micro_batches);
    await this.#reply({
      type: "ready",
      params: replica.parameters,
      identity: {
        ...read,
        deno: Deno.version.deno,
        adapter: device.name,
        kernels: kernelClass(device.target),
        shaders: replica.shaders,
        probe: await replica.probe({ trains: order.trains }),
      },
    });
  }

  async #form(order: Order & { type: "form" }): Promise<void> {
    const model = this.#model;
    const lanes = this.#lanes;
    // Only what was taken to the device, and went on there, is newer than what stands here.
    if (this.#placed !== undefined) await lanes.readBack(this.#placed);
    this.#placed = undefined;
    // While it waited in turn another formation may have followed: nobody is there to be met.
    if (order.attempt !== this.#workerId.coordinator.attempt) return;
    const formation = new Quorum(order);
    this.#formation = formation;
    this.#hurry = new AbortController();
    await formation.meet(this.#workerId.meet, {
      length: model.layout.buckets.reduce((a, b) => a + b, 0),
      laneSize: model.laneSize,
      midway: () => this.#striker.at("exchange"),
    });
    if (formation.isOver) return;
    const state = { model, lanes: lanes.kept };
    for (const [rank, { donor }] of formation.members.entries()) {
      if (donor === formation.rank) await sendState(formation.peer(rank), state);
      if (donor < 0 || rank !== formation.rank) continue;
      await formation.awaiting(donor, (channel) => receiveState(channel, state));
    }
    lanes.place(formation);
    this.#placed = formation;
    await this.#reply({ type: "formed" });
  }

  async #prove(): Promise<void> {
    await this.#lanes.readBack(this.#own);
    const all = `${await this.#model.hash()} ${sha256(bytesOf(this.#lanes.kept))}`;
    await this.#reply({ type: "proof", hash: sha256(new TextEncoder().encode(all)) });
  }

  async #step(step: number): Promise<void> {
    const { range: { first, count }, reducer, isOver } = this.#own;
    if (isOver) return;
    const model = this.#model;
    const lap = stopwatch();
    const roots = [];
    const nodes = cover(first, count);
    for (const node of nodes) {
      model.accumulate(step, node);
      await this.#striker.at("forward");
      const last = node === nodes.at(-1);
      if (reducer !== undefined) roots.push({ node, data: await model.gradient({ last }) });
    }
    const compute = lap();
    let [exchange, write] = [0, 0];
    if (reducer !== undefined) {
      const sum = await reducer.reduce(step, roots);
      await this.#lanes.gather(step, this.#own);
      exchange = lap();
      model.setGradient(sum);
      write = lap();
    }
    await this.#striker.at("summed");
    const found = await model.inspect();
    const waited = [...reducer?.waited ?? []];
    const times = { compute, exchange, write, inspect: lap(), waited };
    await this.#reply({ type: "vote", step, ...found, times });
    await this.#striker.at("voted");
  }

  async #commit({ step, next }: Order & { type: "commit" }): Promise<void> {
    await this.#striker.at("apply");
    this.#model.update(step);
    this.#lanes.swap();
    if (next) await this.#step(step + 1);
  }

  async #evaluate(): Promise<void> {
    const { rank, world } = this.#own;
    await this.#striker.at("evaluate");
    const { signal } = this.#hurry;
    const losses = await this.#model.evaluate(rank, world, {
      signal,
      moved: (done, total) => this.#move({ of: "sequences", done, total }),
    });
    const rows = losses.flatMap((l) => [l.sequence, l.loss, l.counted, l.correct]);
    await this.#reply({ type: "evaluated" }, bytesOf(Float64Array.from(rows)));
  }

  /** Training waits for the copy alone. */
  async #save(): Promise<void> {
    const formation = this.#own;
    const parts = await snapshot(this.#model, formation);
    await this.#reply({ type: "copied" });
    this.#send(parts, formation).catch(() => {}); // a channel that is gone ends listen() as well
  }

  async #send(parts: readonly SnapshotPart[], formation: Quorum): Promise<void> {
    for (const { reply, data } of parts) {
      await this.#striker.at("save");
      if (formation.isOver) return;
      await this.#reply(reply, bytesOf(data));
    }
    if (!formation.isOver) await this.#reply({ type: "saved" });
  }

  async #sample({ prompt, ...options }: Order & { type: "sample" }): Promise<void> {
    const { signal } = this.#hurry;
    const tokens = await this.#model.sample(prompt, {
      ...options,
      signal,
      moved: () => this.#move(),
    });
    await this.#reply({ type: "sampled" }, bytesOf(Uint32Array.from(tokens)));
  }
}
