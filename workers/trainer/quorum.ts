/** A worker's rank, peers and collectives for the duration of one attempt. */
import { AllReducer } from "../../src/reduce/all_reduce.ts";
import { rangesOf } from "../../src/reduce/assign.ts";
import type { MicroBatchRange } from "../../src/reduce/assign.ts";
import { Gatherer } from "../../src/reduce/gather.ts";
import type { ExchangeShape } from "../../src/reduce/division.ts";
import type { ExchangeWay } from "../../src/reduce/schema.ts";
import type { SharedMemory } from "../../src/reduce/shared.ts";
import type { Slice } from "../../src/reduce/slices.ts";
import type { Channel } from "../../src/transport/channel.ts";
import type { MemberOrder, Order } from "../protocol/messages.ts";
import { closeShared, openShared, type Sharing } from "./share.ts";

/** Channels to the others by rank; undefined at the own. */
export type Peers = readonly (Channel | undefined)[];

/** The members to connect to; `signal` is aborted when another quorum follows. */
export interface Meeting {
  readonly attempt: number;
  readonly rank: number;
  readonly members: readonly MemberOrder[];
  readonly signal: AbortSignal;
  /** Called with each rank that is connected. */
  readonly met: (rank: number) => void;
}

/** What a quorum is to exchange. */
export interface Meant {
  /** Elements of the gradient. */
  readonly length: number;
  /** In which pieces it leaves. */
  readonly pieces?: readonly Slice[] | undefined;
  /** Elements of a carried state. */
  readonly laneSize: number;
  /** Folder for shared memory; without one payloads travel in their frames. */
  readonly folder?: string | undefined;
  /** How payloads should travel. */
  readonly way: ExchangeWay;
  readonly midway: () => Promise<void>;
}

/** Connects a worker to all other members of a quorum. @throws when one is missing. */
export type Meet = (meeting: Meeting) => Promise<Peers>;

/** One attempt, from the order to form until the next one. */
export class Quorum {
  readonly rank: number;
  readonly members: readonly MemberOrder[];
  readonly attempt: number;
  /** Micro-batches by rank. */
  readonly ranges: readonly MicroBatchRange[];
  readonly #over = new AbortController();
  /** Ranks that are not connected yet, or that the state is being copied from. */
  readonly #awaited = new Set<number>();
  #peers: Peers = [];
  #reducer: AllReducer | undefined;
  #gatherer: Gatherer | undefined;
  #shared: SharedMemory | undefined;
  #sharing: Pick<Sharing, "way" | "why"> = { way: "sockets" };

  constructor({ rank, members, attempt }: Order & { type: "form" }) {
    this.rank = rank;
    this.members = members;
    this.attempt = attempt;
    this.ranges = rangesOf(members.map(({ count }) => count));
  }

  get world(): number {
    return this.members.length;
  }

  /** The own micro-batches. */
  get range(): MicroBatchRange {
    return this.ranges[this.rank] as MicroBatchRange;
  }

  /** Numbers of the own micro-batches. */
  get indices(): number[] {
    const { first, count } = this.range;
    return Array.from({ length: count }, (_, i) => first + i);
  }

  /** Whether another quorum has followed, or the worker has ended. */
  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** Ranks whose data is awaited. */
  get waitsFor(): readonly number[] {
    const talking = [...this.#reducer?.waiting ?? [], ...this.#gatherer?.waiting ?? []];
    return Array.from(new Set([...this.#awaited, ...talking]));
  }

  /** Connects to the others. */
  async meet(meet: Meet, { length, pieces, laneSize, folder, way, midway }: Meant): Promise<void> {
    const { rank, members, attempt, ranges } = this;
    if (this.world === 1) return;
    members.forEach((_, peer) => peer !== rank && this.#awaited.add(peer));
    const met = (peer: number) => void this.#awaited.delete(peer);
    const peers = await meet({ attempt, rank, members, signal: this.#over.signal, met });
    this.#awaited.clear();
    this.#peers = peers;
    if (this.isOver) return this.end();
    const shape = { rank, ranges, length, pieces, way };
    if (folder !== undefined) await this.#share(shape, folder, met);
    if (this.isOver) return this.end();
    this.#reducer = new AllReducer({ ...shape, peers, shared: this.#shared, midway });
    if (laneSize > 0) this.#gatherer = new Gatherer({ rank, peers, ranges, size: laneSize });
  }

  /** Opens the shared memory of the members; `heard` is told each rank that has answered. */
  async #share(
    shape: ExchangeShape,
    folder: string,
    heard: (rank: number) => void,
  ): Promise<void> {
    const { attempt } = this;
    this.#peers.forEach((channel, peer) => channel && this.#awaited.add(peer));
    const { memory, way, why } = await openShared(
      this.#peers,
      shape,
      { folder, attempt },
      heard,
    );
    this.#shared = memory;
    this.#sharing = { way, ...why !== undefined && { why } };
    this.#awaited.clear();
  }

  /** How payloads travel, and why not as they should. */
  get sharing(): Pick<Sharing, "way" | "why"> {
    return this.#sharing;
  }

  /** The all-reduce; undefined for a worker alone. */
  get reducer(): AllReducer | undefined {
    return this.#reducer;
  }

  /** The all-gather of carried states; undefined for a worker alone and for models without them. */
  get gatherer(): Gatherer | undefined {
    return this.#gatherer;
  }

  /** Does work that depends on another rank, which `waitsFor` lists meanwhile. */
  async awaiting(rank: number, work: (channel: Channel) => Promise<void>): Promise<void> {
    this.#awaited.add(rank);
    await work(this.peer(rank));
    this.#awaited.delete(rank);
  }

  /** The channel to another rank. */
  peer(rank: number): Channel {
    const channel = this.#peers[rank];
    if (channel === undefined) throw new RangeError(`Cannot reach rank ${rank}: it was not met`);
    return channel;
  }

  /** Closes all channels, so that no peer waits for this worker. */
  end(): void {
    this.#over.abort();
    this.#peers.forEach((channel) => channel?.close());
    if (this.#shared !== undefined) closeShared(this.#shared);
    this.#shared = undefined;
  }
}
