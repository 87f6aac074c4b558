/**
 * A worker's end of a fault plan: decorates its channel to the coordinator and its device, and injects
 * the faults that an order carries at the points that the worker passes.
 */
import type { DeviceKind } from "../../src/base/device_kinds.ts";
import type { CompileOptions, Device } from "../../src/device/types.ts";
import type { FencedChannel, Header } from "../../src/transport/channel.ts";
import { ChannelDecorator } from "./channel.ts";
import type { InjectedFault, WORKER_POINTS } from "./schema.ts";

type Point = typeof WORKER_POINTS[number];
type OpenDevice = (kind: DeviceKind, compiling: CompileOptions) => Promise<Device>;

/** The part of a replica that faults damage. */
export interface DamagedReplica {
  /** Makes an element of a vector NaN. */
  poison(vector: string, element: number): void;
  /** Flips bits of an element of a vector. */
  damage(vector: string, element: number, flipBits: number): Promise<void>;
}

/** Time in which a signal arrives; a worker that is stopped and continued goes on after it, ms. */
const SIGNAL_MS = 200;
/** Bit of a parameter that changes its value when it is flipped. */
const BIT = 1 << 12;

/** Injects the faults of the order that a worker carries out. */
export class WorkerFaults {
  /** The worker's channel to the coordinator. */
  readonly channel: FencedChannel;
  readonly #inner: FencedChannel;
  #faults: readonly InjectedFault[] = [];
  /** Attempt in which the faults were ordered: another quorum is not to hear of them. */
  #attempt = 0;
  #device: Device | undefined;
  #replica: DamagedReplica | undefined;

  constructor(channel: FencedChannel) {
    this.#inner = channel;
    this.channel = new WorkerEnd(channel, () => this.#inject("voted"));
  }

  /** The same device, opened after the faults of the point `start`. */
  opening(openDevice: OpenDevice): OpenDevice {
    return async (kind, compiling) => {
      await this.#inject("start");
      return this.#device = await openDevice(kind, compiling);
    };
  }

  /** Takes the faults of an order in place of those of the order before. */
  begin(order: object): void {
    if (!("faults" in order)) return;
    this.#faults = order.faults as InjectedFault[];
    this.#attempt = this.#inner.attempt;
  }

  /** Injects the faults of a point. */
  async at(point: Point, replica: DamagedReplica): Promise<void> {
    this.#replica = replica;
    await this.#inject(point);
  }

  async #inject(point: Point): Promise<void> {
    for (const fault of this.#faults) if (fault.point === point) await this.#carryOut(fault);
  }

  async #carryOut({ point, do: action, ms }: InjectedFault): Promise<void> {
    await this.#announce(action, ms);
    switch (action) {
      case "sigkill":
      case "sigstop":
        return await sleep(SIGNAL_MS);
      case "hang":
        return await new Promise(() => {});
      case "block":
        for (const end = performance.now() + ms; performance.now() < end;);
        return;
      case "delay":
        return await sleep(ms);
      case "throw":
        throw new Error(`A fault was asked for at ${point}`);
      case "lose":
        this.#device?.close();
        return await sleep(SIGNAL_MS);
      case "nan":
        return this.#replica?.poison("grad", 0);
      case "flip":
        return await this.#replica?.damage("param", 0, BIT);
    }
  }

  /** Tells the coordinator, which records the fault and sends its signals. */
  async #announce(deed: string, ms: number): Promise<void> {
    if (this.#inner.attempt !== this.#attempt) return;
    await this.#inner.send({ type: "strike", deed, ms });
  }
}

/** Calls `voted` after each vote. */
class WorkerEnd extends ChannelDecorator {
  readonly #voted: () => Promise<void>;

  constructor(inner: FencedChannel, voted: () => Promise<void>) {
    super(inner);
    this.#voted = voted;
  }

  override async send(header: Header, payload?: Uint8Array): Promise<void> {
    await this.inner.send(header, payload);
    if (header.type === "vote") await this.#voted();
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
