/**
 * All-reduce of the gradients with the same bits on every worker: a reduce-scatter, in which each
 * worker sends its subtree roots to the owner of each slice and the owner adds them in the tree's
 * fixed order, and an all-gather of the sums. 2 (W - 1) / W * N bytes per worker if each has one
 * root. Slices travel in chunks: a chunk is added as soon as all its terms are there, and sent on as
 * soon as it is added, while others are under way.
 *
 * Buffers are allocated once. The sum replaces the first root chunk by chunk: an owner sends the sum
 * of a chunk after it has received all roots of it, so those are no longer needed. A worker sends the
 * roots of a chunk only once it has the sum of the chunk {@linkcode WINDOW} before, so the owner has
 * room for them.
 */
import { maxOf } from "../base/extremes.ts";
import { bytesOf } from "../base/hash.ts";
import type { Channel, Header } from "../transport/channel.ts";
import type { Placed } from "../transport/region.ts";
import type { MicroBatchRange } from "./assign.ts";
import type { Counter } from "./counter.ts";
import { Exchange } from "./exchange.ts";
import { Incoming, type PeerParts, rootHeader, sumHeader } from "./incoming.ts";
import { placedHeader, type RegionLayout, type SharedMemory, SharedSender } from "./shared.ts";
import { cutSlice, type Slice, SLICE_ALIGN, sliceOf } from "./slices.ts";
import { SumMemory } from "./sum_memory.ts";
import { cover, finish, showNode, type SubtreePart, type TreeNode } from "./tree.ts";

/** Elements of a chunk: 1 MiB, small beside caches and large beside the cost of a frame. */
const CHUNK = 2 ** 18;
/** Chunks of a slice whose roots may be under way. */
export const WINDOW = 4;

/** Options that are constant over the steps. */
export interface ReduceOptions {
  readonly rank: number;
  /** Channels by rank; undefined at the own rank. Their attempt is the fencing token. */
  readonly peers: readonly (Channel | undefined)[];
  /** Micro-batches by rank, all of [0, S) together; its length is the world size. */
  readonly ranges: readonly MicroBatchRange[];
  /** Elements of the flat gradient. */
  readonly length: number;
  /** Elements of a chunk, the same on all workers. */
  readonly chunk?: number;
  /** Shared memory of the workers; without it all payloads travel in their frames. */
  readonly shared?: SharedMemory | undefined;
  /** Awaited between the sum of the own slice and the sending of its end; tests inject faults here. */
  readonly midway?: (() => Promise<void>) | undefined;
}

/** Totals since the start; bytes of payload. */
export interface ReduceStats {
  readonly calls: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** The transfers of a step under way. */
interface Running {
  readonly exchange: Exchange;
  readonly incoming: readonly Incoming[];
  readonly summed: Counter;
}

/** One worker's end of the all-reduce. */
export class AllReducer {
  readonly #options: ReduceOptions;
  readonly #microBatches: number;
  readonly #memory: SumMemory;
  /** The own roots; the first one also receives the sum. */
  readonly #roots: readonly Float32Array<ArrayBuffer>[];
  readonly #nodes: readonly TreeNode[];
  readonly #peers: readonly PeerParts[];
  /** Chunks of the own slice. */
  readonly #chunks: readonly Slice[];
  readonly #sender: SharedSender;
  readonly #waited: number[];
  #running: Running | undefined;
  #calls = 0;
  #bytesSent = 0;
  #bytesReceived = 0;

  constructor(options: ReduceOptions) {
    const { rank, peers, ranges, length, chunk = CHUNK, shared } = options;
    const world = ranges.length;
    this.#options = options;
    this.#microBatches = ranges.reduce((sum, range) => sum + range.count, 0);
    this.#nodes = nodesOf(ranges[rank]);
    this.#chunks = cutSlice(sliceOf(length, world, rank), chunk);
    this.#waited = new Array(world).fill(0);
    const ring = Math.min(WINDOW, this.#chunks.length);
    const [first = { start: 0, end: 0 }] = this.#chunks;
    const size = first.end - first.start;
    const others = ranges.flatMap((range, other) => {
      if (other === rank) return [];
      const channel = peers[other];
      if (!channel) {
        throw new RangeError(`Cannot reduce: needs a channel to rank ${other}: got none`);
      }
      return [{ rank: other, channel, nodes: nodesOf(range) }];
    });
    const own = world > 1 ? Math.max(1, this.#nodes.length) : 0;
    const rings = others.reduce((sum, { nodes }) => sum + nodes.length * ring, 0);
    const memory = new SumMemory([
      ...new Array<number>(own).fill(length),
      ...new Array<number>(rings).fill(size),
    ]);
    this.#memory = memory;
    this.#roots = Array.from({ length: own }, () => memory.allocate(length));
    this.#peers = others.map((other) => ({
      ...other,
      chunks: cutSlice(sliceOf(length, world, other.rank), chunk),
      region: shared?.peers[other.rank],
      rings: other.nodes.map(() => Array.from({ length: ring }, () => memory.allocate(size))),
    }));
    this.#sender = new SharedSender(shared && readable(shared, ranges), regionLayout(options));
  }

  /** Traffic so far. */
  get stats(): ReduceStats {
    return { calls: this.#calls, bytesSent: this.#bytesSent, bytesReceived: this.#bytesReceived };
  }

  /** Milliseconds from the start of the last reduce until the roots of each rank had arrived. */
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
    return this.#roots[index];
  }

  /**
   * The sum over all micro-batches of `step`, from this worker's subtree roots: the cover of its
   * range, in order. The roots may be modified; the result is valid until the next call; calls must
   * not overlap. On any fault it closes every channel, so that no other worker waits for this one
   * and no late frame reaches a later attempt, and rejects with ReduceError after all transfers
   * have ended.
   */
  async reduce(step: number, roots: readonly SubtreePart[]): Promise<Float32Array> {
    this.#checkRoots(roots);
    this.#calls++;
    if (this.#peers.length === 0) return finish(roots, this.#microBatches);
    roots.forEach(({ data }, i) => {
      const own = this.#roots[i] as Float32Array;
      if (data !== own) own.set(data);
    });
    const exchange = new Exchange(step, this.#peers.map((peer) => peer.channel));
    const summed = exchange.counter();
    const result = this.#roots[0] as Float32Array;
    const lanes = this.#peers.map((peer) => {
      const offered = exchange.counter();
      const counters = { roots: exchange.counter(), sums: exchange.counter(), window: WINDOW };
      const receiving = { step, chunks: this.#chunks, summed, offered, result };
      return { offered, incoming: new Incoming(peer, receiving, counters) };
    });
    const running = { exchange, incoming: lanes.map(({ incoming }) => incoming), summed };
    this.#running = running;
    const start = performance.now();
    await exchange.finish(async () => {
      const tasks = lanes.flatMap(({ incoming, offered }) => {
        const { rank } = incoming.peer;
        const ready = () => void (this.#waited[rank] = performance.now() - start);
        return [
          exchange.with(rank, () => incoming.receive(ready)),
          exchange.with(rank, () => this.#sendRoots(step, { incoming, offered })),
        ];
      });
      await Promise.all([exchange.also(this.#sumChunks(step, running)), ...tasks]);
      await exchange.sent();
    });
    this.#bytesReceived += running.incoming.reduce((sum, { bytes }) => sum + bytes, 0);
    return result;
  }

  /** Sends the own roots of a peer's slice, as far ahead of its sums as it has room for. */
  async #sendRoots(
    step: number,
    { incoming, offered }: { incoming: Incoming; offered: Counter },
  ): Promise<void> {
    const { peer: { rank, channel, chunks }, sums } = incoming;
    for (const [i, chunk] of chunks.entries()) {
      await sums.atLeast(i + 1 - WINDOW);
      offered.increase();
      for (const [k, node] of this.#nodes.entries()) {
        const data = partOf(this.#roots[k], chunk);
        const placed = this.#sender.root(rank, { root: k, chunk: i }, bytesOf(data));
        await this.#send(channel, { header: rootHeader(step, chunk, node), data, placed });
      }
    }
  }

  /** Adds each own chunk once its roots are there, and sends the sum to all. */
  async #sumChunks(step: number, { exchange, incoming, summed }: Running): Promise<void> {
    const result = this.#roots[0];
    for (const [i, chunk] of this.#chunks.entries()) {
      for (const { roots, rootChunks } of incoming) {
        await roots.atLeast(Math.min(i + 1, rootChunks));
      }
      const sum = partOf(result, chunk);
      const own = this.#nodes.map((node, k) => ({ node, data: partOf(this.#roots[k], chunk) }));
      const parts = [...own, ...incoming.flatMap((each) => each.partsOf(i))];
      finish(parts, this.#microBatches, sum, this.#memory.add);
      if (i === this.#chunks.length - 1) await this.#options.midway?.();
      summed.increase();
      const header = sumHeader(step, chunk);
      const shared = this.#sender.sum({ chunk: i }, bytesOf(sum));
      for (const { peer: { rank, channel } } of incoming) {
        const placed = this.#sender.isRead(rank) ? shared : undefined;
        exchange.with(rank, () => this.#send(channel, { header, data: sum, placed }));
      }
    }
    if (this.#chunks.length === 0) await this.#options.midway?.();
  }

  async #send(
    channel: Channel,
    { header, data, placed }: { header: Header; data: Float32Array; placed: Placed | undefined },
  ): Promise<void> {
    if (placed === undefined) await channel.send(header, bytesOf(data));
    else await channel.send(placedHeader(header, placed));
    this.#bytesSent += data.byteLength;
  }

  #checkRoots(roots: readonly SubtreePart[]): void {
    const { length } = this.#options;
    const needed = this.#nodes;
    const fits = roots.length === needed.length &&
      roots.every(({ node, data }, i) =>
        node.level === needed[i]?.level && node.index === needed[i]?.index && data.length === length
      );
    if (fits) return;
    const got = roots.map(({ node, data }) => `${showNode(node)} of ${data.length} elements`);
    throw new RangeError(
      `Cannot reduce: needs roots ${
        needed.map(showNode).join(", ") || "of nothing"
      } of ${length} ` +
        `elements: got ${got.join(", ") || "none"}`,
    );
  }
}

/** The places of the region that a worker shares. */
export function regionLayout(
  { rank, ranges, length, chunk = CHUNK }: Pick<
    ReduceOptions,
    "rank" | "ranges" | "length" | "chunk"
  >,
): RegionLayout {
  const chunks = ranges.map((_, each) => cutSlice(sliceOf(length, ranges.length, each), chunk));
  const [{ start, end } = { start: 0, end: 0 }] = chunks.flat();
  return {
    others: ranges.flatMap((_, other) => other === rank ? [] : [other]),
    roots: nodesOf(ranges[rank]).length,
    window: Math.min(WINDOW, maxOf(chunks.map((each) => each.length))),
    chunk: 4 * Math.min(chunk, end - start + SLICE_ALIGN),
  };
}

/** Who reads the own region: a worker without roots never says that it has read a sum. */
function readable(shared: SharedMemory, ranges: readonly MicroBatchRange[]): SharedMemory {
  return { ...shared, read: shared.read.map((reads, rank) => reads && ranges[rank]?.count !== 0) };
}

function nodesOf(range: MicroBatchRange | undefined): TreeNode[] {
  return range === undefined ? [] : cover(range.first, range.count);
}

function partOf(data: Float32Array | undefined, { start, end }: Slice): Float32Array {
  return (data as Float32Array).subarray(start, end);
}
