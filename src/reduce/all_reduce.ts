/**
 * All-reduce of the gradients with the same bits on every worker: a reduce-scatter, in which each
 * worker sends its subtree roots to the owner of each slice and the owner adds them in the tree's
 * fixed order, then an all-gather. 2 (W - 1) / W * N bytes per worker if each has one root.
 */
import { bytesOf } from "../base/hash.ts";
import type { Channel, Header } from "../transport/channel.ts";
import type { MicroBatchRange } from "./assign.ts";
import { Exchange } from "./exchange.ts";
import { type Slice, sliceOf } from "./slices.ts";
import { cover, finish, showNode, type SubtreePart } from "./tree.ts";

/** Options that are constant over the steps. */
export interface ReduceOptions {
  readonly rank: number;
  /** Channels by rank; undefined at the own rank. Their attempt is the fencing token. */
  readonly peers: readonly (Channel | undefined)[];
  /** Micro-batches by rank, all of [0, S) together; its length is the world size. */
  readonly ranges: readonly MicroBatchRange[];
  /** Elements of the flat gradient. */
  readonly length: number;
  /** Awaited between the own slice's sum and its sending; tests inject faults here. */
  readonly midway?: (() => Promise<void>) | undefined;
}

/** Totals since the start; bytes of payload. */
export interface ReduceStats {
  readonly calls: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** One worker's end of the all-reduce. Buffers are allocated once. */
export class AllReducer {
  #options: ReduceOptions;
  #microBatches: number;
  #others: readonly Peer[];
  #mine: Slice;
  #result: Float32Array;
  #exchange: Exchange | undefined;
  readonly #waited: number[];
  #calls = 0;
  #bytesSent = 0;
  #bytesReceived = 0;

  constructor(options: ReduceOptions) {
    const { rank, peers, ranges, length } = options;
    const world = ranges.length;
    this.#options = options;
    this.#microBatches = ranges.reduce((sum, range) => sum + range.count, 0);
    this.#mine = sliceOf(length, world, rank);
    this.#others = ranges.flatMap((range, other) => {
      if (other === rank) return [];
      const channel = peers[other];
      if (!channel) {
        throw new RangeError(`Cannot reduce: needs a channel to rank ${other}: got none`);
      }
      const size = this.#mine.end - this.#mine.start;
      const parts = cover(range.first, range.count).map((node) => ({
        node,
        data: new Float32Array(size),
      }));
      return [{ rank: other, channel, slice: sliceOf(length, world, other), parts }];
    });
    this.#result = new Float32Array(world > 1 ? length : 0);
    this.#waited = new Array(world).fill(0);
  }

  /** Traffic so far. */
  get stats(): ReduceStats {
    return { calls: this.#calls, bytesSent: this.#bytesSent, bytesReceived: this.#bytesReceived };
  }

  /** Milliseconds from the start of the last reduce until the roots of each rank had arrived. */
  get waited(): readonly number[] {
    return this.#waited;
  }

  /** Ranks with pending transfers. */
  get waiting(): readonly number[] {
    return this.#exchange?.ranks ?? [];
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
    if (this.#others.length === 0) return finish(roots, this.#microBatches);
    const exchange = new Exchange(step, this.#others.map((peer) => peer.channel));
    this.#exchange = exchange;
    return await exchange.finish(() => this.#run(step, roots, exchange));
  }

  async #run(
    step: number,
    roots: readonly SubtreePart[],
    exchange: Exchange,
  ): Promise<Float32Array> {
    const { start, end } = this.#mine;
    const sent = this.#others.map((peer) =>
      exchange.with(peer.rank, () => this.#sendRoots(peer, step, roots))
    );
    const received = this.#others.map((peer) =>
      exchange.with(peer.rank, () => this.#receiveRoots(peer, step))
    );
    // Finish sending before adding: the addition blocks this thread, and peers would wait.
    await Promise.all([...received, ...sent]);
    if (end > start) {
      const own = roots.map(({ node, data }) => ({ node, data: data.subarray(start, end) }));
      const parts = [...own, ...this.#others.flatMap((peer) => peer.parts)];
      finish(parts, this.#microBatches, this.#result.subarray(start, end));
    }
    await this.#options.midway?.();
    const gathered = this.#others.flatMap((peer) => [
      exchange.with(peer.rank, () => this.#sendSum(peer, step)),
      exchange.with(peer.rank, () => this.#receiveSum(peer, step)),
    ]);
    await Promise.all(gathered);
    return this.#result;
  }

  async #sendRoots(
    { channel, slice }: Peer,
    step: number,
    roots: readonly SubtreePart[],
  ): Promise<void> {
    for (const { node, data } of roots) {
      await this.#send(channel, rootHeader({ step, slice, node }), part(data, slice));
    }
  }

  async #receiveRoots({ rank, channel, parts }: Peer, step: number): Promise<void> {
    const start = performance.now();
    for (const { node, data } of parts) {
      await this.#receive(channel, rootHeader({ step, slice: this.#mine, node }), data);
    }
    this.#waited[rank] = performance.now() - start;
  }

  async #sendSum({ channel }: Peer, step: number): Promise<void> {
    const slice = this.#mine;
    await this.#send(channel, { type: "sum", step, ...slice }, part(this.#result, slice));
  }

  async #receiveSum({ channel, slice }: Peer, step: number): Promise<void> {
    const expected = { type: "sum", step, ...slice };
    await this.#receive(channel, expected, part(this.#result, slice));
  }

  async #send(channel: Channel, header: Header, data: Float32Array): Promise<void> {
    if (data.length === 0) return; // the owner of an empty slice expects no frame
    await channel.send(header, bytesOf(data));
    this.#bytesSent += data.byteLength;
  }

  async #receive(channel: Channel, expected: Header, data: Float32Array): Promise<void> {
    if (data.length === 0) return;
    const frame = await channel.receive((header) => {
      requireHeader(expected, header);
      return bytesOf(data);
    });
    if (frame === undefined) throw new Error(`needs ${show(expected)}: it has left`);
    if (frame.payload.length === 0) throw new Error(`needs ${show(expected)}: got no payload`);
    this.#bytesReceived += data.byteLength;
  }

  #checkRoots(roots: readonly SubtreePart[]): void {
    const { rank, ranges, length } = this.#options;
    const range = ranges[rank];
    const needed = range ? cover(range.first, range.count) : [];
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

/** Another worker; `parts` receive its roots for the own slice. */
interface Peer {
  readonly rank: number;
  readonly channel: Channel;
  readonly slice: Slice;
  readonly parts: readonly SubtreePart[];
}

function rootHeader(
  { step, slice, node }: { step: number; slice: Slice; node: SubtreePart["node"] },
): Header {
  return { type: "root", step, ...slice, ...node };
}

function part(data: Float32Array, { start, end }: Slice): Float32Array {
  return data.subarray(start, end);
}

/** @throws {Error} unless the headers are equal. */
function requireHeader(expected: Header, got: Header): void {
  const keys = Object.keys(expected);
  const isSame = keys.length === Object.keys(got).length &&
    keys.every((key) => expected[key] === got[key]);
  if (!isSame) throw new Error(`needs ${show(expected)}: got ${show(got)}`);
}

/** At most 200 characters of a header. */
function show(header: Header): string {
  return JSON.stringify(header).slice(0, 200);
}
