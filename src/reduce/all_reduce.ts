/**
 * All-reduce of the gradients with the same bits on every worker: a reduce-scatter, in which each
 * worker sends its subtree roots to the owner of each slice and the owner adds them in the tree's
 * fixed order, and an all-gather of the sums. 2 (W - 1) / W * N bytes per worker if each has one
 * root. Slices travel in chunks: a chunk is added as soon as all its terms are there, and sent on as
 * soon as it is added, while others are under way, or not computed yet.
 *
 * Buffers are allocated once. The sum replaces the first root chunk by chunk: an owner sends the sum
 * of a chunk after it has received all roots of it, so those are no longer needed. A worker sends the
 * roots of a chunk only once it has the sum of the chunk {@linkcode WINDOW} before, so the owner has
 * room for them.
 */
import { bytesOf } from "../base/hash.ts";
import type { Channel, Header } from "../transport/channel.ts";
import type { Counter } from "./counter.ts";
import { type Chunk, divide, type Division, type ExchangeShape, WINDOW } from "./division.ts";
import { Exchange } from "./exchange.ts";
import { doneHeader, Incoming, type PeerParts, rootHeader, sumHeader } from "./incoming.ts";
import {
  type Offer,
  offerOf,
  type PayloadPlace,
  placedHeader,
  type SharedMemory,
} from "./shared.ts";
import type { Slice } from "./slices.ts";
import { finish, requireCover, type SubtreePart, type TreeNode } from "./tree.ts";
import { ExchangeVectors } from "./vectors.ts";

/** Options that are constant over the steps. */
export interface ReduceOptions extends ExchangeShape {
  /** Channels by rank; undefined at the own rank. Their attempt is the fencing token. */
  readonly peers: readonly (Channel | undefined)[];
  /** Shared memory of the workers; without it all payloads travel in their frames. */
  readonly shared?: SharedMemory | undefined;
  /** Awaited between the sum of the own slice and the sending of its end; tests inject faults here. */
  readonly midway?: (() => Promise<void>) | undefined;
}

/** Takes a part of the sum, from element `at` on; it is valid during the call only. */
export type TakeSum = (at: number, sum: Float32Array) => void;

/** What a step gives and takes. */
export interface ReduceStep {
  /**
   * By piece, resolves when its elements are in the last root, which lies in its buffer; default: all
   * are there.
   */
  readonly arrived?: readonly Promise<void>[] | undefined;
  /** Called with each part of the sum, as soon as it is there. */
  readonly take: TakeSum;
}

/** Totals since the start; bytes of payload. */
export interface ReduceStats {
  readonly calls: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** The transfers of a step under way. */
interface Running {
  readonly step: number;
  readonly exchange: Exchange;
  readonly incoming: readonly Incoming[];
  /** Pieces of the own roots that are there. */
  readonly arrived: Counter;
  readonly summed: Counter;
}

/** One worker's end of the all-reduce. */
export class AllReducer {
  readonly #options: ReduceOptions;
  readonly #division: Division;
  /** Chunks that this worker owns, and the roots that it computes. */
  readonly #chunks: readonly Chunk[];
  readonly #nodes: readonly TreeNode[];
  readonly #vectors: ExchangeVectors;
  readonly #peers: readonly PeerParts[];
  readonly #offer: Offer;
  readonly #waited: number[];
  #running: Running | undefined;
  #calls = 0;
  #bytesSent = 0;
  #bytesReceived = 0;

  constructor(options: ReduceOptions) {
    const { rank, peers, ranges, shared } = options;
    const division = divide(options);
    const channels = ranges.map((_, other) => {
      const channel = peers[other];
      if (channel || other === rank) return channel;
      throw new RangeError(`Cannot reduce: needs a channel to rank ${other}: got none`);
    });
    this.#options = options;
    this.#division = division;
    this.#chunks = division.chunks[rank] ?? [];
    this.#nodes = division.nodes[rank] ?? [];
    this.#waited = new Array(ranges.length).fill(0);
    this.#offer = offerOf(shared, options, division);
    this.#vectors = new ExchangeVectors(options, division, shared);
    this.#peers = channels.flatMap((channel, other) => {
      const vectors = this.#vectors.peers[other];
      if (channel === undefined || vectors === undefined) return [];
      return [{
        rank: other,
        channel,
        chunks: division.chunks[other] ?? [],
        nodes: division.nodes[other] ?? [],
        region: shared?.peers[other],
        vectors,
        sees: shared?.own?.kind === "mapped" && this.#offer.isRead(other),
      }];
    });
  }

  /** Traffic so far. */
  get stats(): ReduceStats {
    return { calls: this.#calls, bytesSent: this.#bytesSent, bytesReceived: this.#bytesReceived };
  }

  /** Milliseconds from the own gradient of the last step until the roots of each rank had arrived. */
  get waited(): readonly number[] {
    return this.#waited;
  }

  /**
   * Ranks whose data is awaited: those without roots of the chunk that is next to be summed. Where
   * all are there, the others wait as well, and the ranks with pending transfers are meant.
   */
  get waiting(): readonly number[] {
    if (this.#running === undefined) return [];
    const { exchange, incoming, summed } = this.#running;
    const behind = incoming.filter(({ roots, rootChunks }) =>
      roots.value <= summed.value && roots.value < rootChunks
    );
    return behind.length > 0 ? behind.map(({ peer }) => peer.rank) : exchange.ranks;
  }

  /** The buffer of an own root, by its place in the cover: a root that lies there is not copied. */
  rootBuffer(index: number): Float32Array<ArrayBuffer> | undefined {
    return this.#vectors.roots[index];
  }

  /**
   * Gives the sum over all micro-batches of `step`, from this worker's subtree roots: the cover of its
   * range, in order. The roots may be modified; calls must not overlap. On any fault it closes every
   * channel, so that no other worker waits for this one and no late frame reaches a later attempt, and
   * rejects with ReduceError after all transfers have ended; a fault of `arrived` or `take` rejects as
   * it is.
   */
  async reduce(
    step: number,
    roots: readonly SubtreePart[],
    { arrived = [], take }: ReduceStep,
  ): Promise<void> {
    requireCover(roots, { nodes: this.#nodes, length: this.#options.length });
    this.#calls++;
    if (this.#peers.length === 0) return await this.#alone(roots, { arrived, take });
    roots.forEach(({ data }, i) => {
      const own = this.#vectors.roots[i] as Float32Array;
      if (data !== own) own.set(data);
    });
    const exchange = new Exchange(step, this.#peers.map((peer) => peer.channel));
    const summed = exchange.counter();
    const lanes = this.#peers.map((peer) => {
      const offered = exchange.counter();
      const counters = { roots: exchange.counter(), sums: exchange.counter(), window: WINDOW };
      const receiving = { step, chunks: this.#chunks, summed, offered };
      return { offered, incoming: new Incoming(peer, receiving, counters) };
    });
    const incoming = lanes.map((lane) => lane.incoming);
    const running = { step, exchange, incoming, summed, arrived: exchange.counter() };
    this.#running = running;
    const ready: number[] = [];
    let start = performance.now();
    await exchange.finish(async () => {
      const arriving = exchange.also(
        this.#arrive(running, arrived).then(() => {
          start = performance.now();
        }),
      );
      const tasks = lanes.flatMap((lane) => {
        const { rank } = lane.incoming.peer;
        return [
          exchange.with(rank, () => lane.incoming.receive(() => ready[rank] = performance.now())),
          exchange.with(rank, () => this.#sendRoots(running, lane)),
          exchange.also(this.#deliver(running, lane.incoming, take)),
        ];
      });
      const added = exchange.also(this.#sumChunks(running, take));
      await Promise.all([arriving, added, ...tasks]);
      await exchange.sent();
    });
    ready.forEach((at, rank) => this.#waited[rank] = Math.max(0, at - start));
    this.#bytesReceived += incoming.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The step of a worker without others. */
  async #alone(roots: readonly SubtreePart[], { arrived = [], take }: ReduceStep): Promise<void> {
    await Promise.all(arrived);
    take(0, finish(roots, this.#division.microBatches));
  }

  /** Counts the pieces as they come. */
  async #arrive(running: Running, arrived: readonly Promise<void>[]): Promise<void> {
    const pieces = this.#options.pieces?.length ?? 1;
    for (let piece = 0; piece < pieces; piece++) {
      await arrived[piece];
      running.arrived.increase();
    }
  }

  /** Sends the own roots of a peer's chunks, as far ahead of its sums as it has room for. */
  async #sendRoots(
    { step, arrived }: Running,
    { incoming, offered }: { incoming: Incoming; offered: Counter },
  ): Promise<void> {
    const { peer: { rank, channel }, sums } = incoming;
    for (const [i, chunk] of (this.#division.chunks[rank] ?? []).entries()) {
      await arrived.atLeast(chunk.piece + 1);
      await sums.atLeast(i + 1 - WINDOW);
      offered.increase();
      for (const [k, node] of this.#nodes.entries()) {
        const data = this.#ownPart(k, chunk);
        const place = this.#offer.root(rank, { root: k, chunk: i }, bytesOf(data));
        await this.#send(channel, { header: rootHeader(step, chunk, node), data, place });
      }
    }
  }

  /** Adds each own chunk once its roots are there, and sends the sum to all. */
  async #sumChunks(running: Running, take: TakeSum): Promise<void> {
    const { step, exchange, incoming, summed, arrived } = running;
    for (const [i, chunk] of this.#chunks.entries()) {
      await arrived.atLeast(chunk.piece + 1);
      for (const { roots, rootChunks } of incoming) {
        await roots.atLeast(Math.min(i + 1, rootChunks));
      }
      const parts = this.#nodes.map((node, k) => ({ node, data: this.#ownPart(k, chunk) }));
      const all = [...parts, ...incoming.flatMap((each) => each.partsOf(i))];
      const sum = this.#vectors.sum(chunk, all);
      if (i === this.#chunks.length - 1) await this.#options.midway?.();
      summed.increase();
      const header = sumHeader(step, chunk);
      const shared = this.#offer.sum({ chunk: i }, bytesOf(sum));
      for (const { peer: { rank, channel } } of incoming) {
        const place = this.#offer.isRead(rank) ? shared : undefined;
        exchange.with(rank, () => this.#send(channel, { header, data: sum, place }));
      }
      take(chunk.start, sum);
    }
    if (this.#chunks.length === 0) await this.#options.midway?.();
  }

  /** Gives the sums of another rank as they come, and says when none of its memory is needed any more. */
  async #deliver({ step, exchange }: Running, incoming: Incoming, take: TakeSum): Promise<void> {
    const { peer: { rank, channel, chunks, region, vectors }, sums } = incoming;
    for (const [i, { start }] of chunks.entries()) {
      await sums.atLeast(i + 1);
      take(start, vectors.sum(i));
    }
    if (region?.kind === "mapped") exchange.with(rank, () => channel.send(doneHeader(step)));
  }

  #ownPart(root: number, { start, end }: Slice): Float32Array {
    return (this.#vectors.roots[root] as Float32Array).subarray(start, end);
  }

  async #send(
    channel: Channel,
    { header, data, place }: {
      header: Header;
      data: Float32Array;
      place: PayloadPlace | undefined;
    },
  ): Promise<void> {
    if (place === undefined) await channel.send(header, bytesOf(data));
    else await channel.send(placedHeader(header, place));
    this.#bytesSent += data.byteLength;
  }
}
