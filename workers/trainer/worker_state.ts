/** What the handlers of a worker's orders share: its device, its replica, its quorum, its channel. */
import type { DeviceKind } from "../../src/base/device_kinds.ts";
import type { CompileOptions, Device } from "../../src/device/types.ts";
import type { Replica } from "../../src/engine/replica.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import type { FencedChannel } from "../../src/transport/channel.ts";
import { header } from "../protocol/messages.ts";
import type { Order, Reply } from "../protocol/messages.ts";
import type { CarriedReplica } from "./carried_replica.ts";
import { Heartbeat } from "./heartbeat.ts";
import { NO_POINTS, type WorkPoint, type WorkPoints } from "./points.ts";
import type { Meet, Quorum } from "./quorum.ts";

/** A worker's ties to the run. */
export interface TrainerOptions {
  /** Its worker slot. */
  readonly index: number;
  readonly coordinator: FencedChannel;
  readonly meet: Meet;
  /** A folder in which the workers share memory; without one payloads travel in their frames. */
  readonly folder?: string;
  /** The path by which this process may read a folder. */
  readonly reachable?: (path: string) => string;
  /** For tests: what happens at the points of its work (default nothing). */
  readonly points?: WorkPoints;
}

/** Opens the device of an order; it reports the kernels that it compiles. */
export type OpenDevice = (kind: DeviceKind, compiling: CompileOptions) => Promise<Device>;

/** The state of one worker. */
export class WorkerState {
  readonly options: TrainerOptions;
  readonly openDevice: OpenDevice;
  readonly heartbeat = new Heartbeat();
  device: Device | undefined;
  /** The latest quorum; undefined before the first one. */
  formed: Quorum | undefined;
  /** The quorum whose own carried states are on the device. */
  placed: Quorum | undefined;
  /** Aborted when an evaluation or a sample is to be cut short. */
  hurry = new AbortController();
  #replica: Replica | undefined;
  #carried: CarriedReplica | undefined;
  #exchange: RunConfig["exchange"] | undefined;

  constructor(options: TrainerOptions, openDevice: OpenDevice) {
    this.options = options;
    this.openDevice = openDevice;
  }

  /** Makes the worker ready for orders other than `setup`. */
  setUp(
    { replica, carried, exchange }: {
      replica: Replica;
      carried: CarriedReplica;
      exchange: RunConfig["exchange"];
    },
  ): void {
    this.#replica = replica;
    this.#carried = carried;
    this.#exchange = exchange;
  }

  /** How gradients are exchanged. */
  get exchange(): RunConfig["exchange"] {
    if (this.#exchange === undefined) throw new Error("Cannot obey: the worker was not set up");
    return this.#exchange;
  }

  /** Whether parts of the gradient leave while the rest is still computed. */
  get overlaps(): boolean {
    const { overlap } = this.exchange;
    if (overlap === "off" || !this.replica.piecewise.isPiecewise) return false;
    // A software driver computes on the cores that the exchange needs.
    return overlap === "on" || this.device?.target.kind === "gpu";
  }

  get replica(): Replica {
    if (this.#replica === undefined) throw new Error("Cannot obey: the worker was not set up");
    return this.#replica;
  }

  get carried(): CarriedReplica {
    if (this.#carried === undefined) throw new Error("Cannot obey: the worker was not set up");
    return this.#carried;
  }

  get quorum(): Quorum {
    if (this.formed === undefined) throw new Error("Cannot obey: the worker met nobody yet");
    return this.formed;
  }

  /** Takes an order that is about to be carried out to the points. */
  begin(order: Order): void {
    (this.options.points ?? NO_POINTS).begin(order);
  }

  /** Passes a point of its work. */
  async pass(point: WorkPoint): Promise<void> {
    await this.options.points?.at(point, this.replica);
  }

  /** Sends a reply, unless the quorum that it was computed for is over. */
  async reply(message: Reply, payload?: Uint8Array): Promise<void> {
    this.heartbeat.clear();
    if (this.formed?.isOver) return;
    await this.options.coordinator.send(header(message), payload);
  }

  /** Sends a heartbeat, even when the quorum is over. */
  beat(): void {
    const beat = this.heartbeat.next(this.formed?.waitsFor ?? []);
    this.options.coordinator.send(header(beat)).catch(() => {});
  }

  close(): void {
    this.formed?.end();
    this.device?.close();
  }
}
