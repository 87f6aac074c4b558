/**
 * All-gather of data per micro-batch: each worker sends its own part to every other one.
 */
import { bytesOf } from "../base/hash.ts";
import type { Channel } from "../transport/channel.ts";
import type { MicroBatchRange } from "./assign.ts";
import { Exchange } from "./exchange.ts";

/** Options that are constant over the steps. */
export interface GatherOptions {
  readonly rank: number;
  /** Channels by rank; undefined at the own rank. */
  readonly peers: readonly (Channel | undefined)[];
  /** Micro-batches by rank. */
  readonly ranges: readonly MicroBatchRange[];
  /** Elements per micro-batch. */
  readonly size: number;
}

/** One worker's end of the all-gather. */
export class Gatherer {
  readonly #options: GatherOptions;
  #exchange: Exchange | undefined;

  constructor(options: GatherOptions) {
    this.#options = options;
  }

  /** Ranks with pending transfers. */
  get waiting(): readonly number[] {
    return this.#exchange?.ranks ?? [];
  }

  /**
   * Fills `all`, `size` elements for each micro-batch in order; the own part must be set already.
   * Rejects with ReduceError, with all channels closed, if a peer fails.
   */
  async gather(step: number, all: Float32Array): Promise<void> {
    const { rank, peers, ranges, size } = this.#options;
    const others = peers.flatMap((channel, other) => channel ? [{ channel, other }] : []);
    const exchange = new Exchange(step, others.map(({ channel }) => channel));
    this.#exchange = exchange;
    const part = (other: number) => {
      const { first, count } = ranges[other] as MicroBatchRange;
      return bytesOf(all.subarray(first * size, (first + count) * size));
    };
    await exchange.finish(async () => {
      const own = part(rank);
      await Promise.all(others.flatMap(({ channel, other }) => [
        exchange.with(other, async () => {
          if (own.length > 0) await channel.send({ type: "lanes", step }, own);
        }),
        exchange.with(other, () => receive(channel, { step, into: part(other) })),
      ]));
    });
  }
}

async function receive(
  channel: Channel,
  { step, into }: { step: number; into: Uint8Array },
): Promise<void> {
  if (into.length === 0) return;
  const frame = await channel.receive((header) => {
    if (header.type === "lanes" && header["step"] === step) return into;
    throw new Error(`needs the lanes of step ${step}: got ${header.type}`);
  });
  if (frame === undefined) throw new Error(`needs the lanes of step ${step}: it has left`);
  if (frame.payload.length === 0) throw new Error(`needs the lanes of step ${step}: got nothing`);
}
