/** Channels of a simulation: real frames between real reducers, at the cost of a machine. */
import type { ExchangeWay } from "../../src/reduce/schema.ts";
import {
  type Channel,
  ChannelError,
  type Frame,
  type Header,
  type PayloadTarget,
} from "../../src/transport/channel.ts";
import type { Clock } from "./clock.ts";
import type { Figures } from "./machine.ts";

/** The world of a simulation. */
export interface SimulatedWorld {
  readonly clock: Clock;
  readonly figures: Figures;
  readonly way: ExchangeWay;
  /** Bytes of the machine for each byte that is really moved. */
  readonly scale: number;
  /** As in {@linkcode contention}. */
  readonly slower: number;
}

/** Called before a worker sends the sum of a chunk for the first time: it has just added it. */
export type Summed = (rank: number, elements: number) => Promise<void>;

/** `channels[i][j]` is the end of rank i towards rank j. */
export function simulatedChannels(
  world: number,
  simulated: SimulatedWorld,
  summed: Summed,
): (Channel | undefined)[][] {
  const ends = Array.from({ length: world }, (_, rank) => {
    const sums = new Sums(rank, summed);
    return Array.from(
      { length: world },
      (_, peer) => peer === rank ? undefined : new SimulatedEnd(rank, simulated, sums),
    );
  });
  ends.forEach((row, rank) =>
    row.forEach((end, peer) => {
      if (end !== undefined) end.other = ends[peer]?.[rank];
    })
  );
  return ends;
}

/** The sums that a rank has added so far: it sends each to all others, and adds it once. */
class Sums {
  readonly #rank: number;
  readonly #summed: Summed;
  #last = "";
  #done: Promise<void> = Promise.resolve();

  constructor(rank: number, summed: Summed) {
    this.#rank = rank;
    this.#summed = summed;
  }

  /** Whether the sum is new, once it is added. */
  async add({ step, start, end }: Header): Promise<boolean> {
    const key = `${step} ${start}`;
    const isNew = key !== this.#last;
    if (isNew) {
      this.#last = key;
      this.#done = this.#summed(this.#rank, Number(end) - Number(start));
    }
    await this.#done;
    return isNew;
  }
}

class SimulatedEnd implements Channel {
  other: SimulatedEnd | undefined;
  readonly #rank: number;
  readonly #world: SimulatedWorld;
  readonly #sums: Sums;
  readonly #inbox: { header: Header; payload: Uint8Array }[] = [];
  #arrived = Promise.withResolvers<void>();
  #isClosed = false;
  #sending: Promise<void> = Promise.resolve();

  constructor(rank: number, world: SimulatedWorld, sums: Sums) {
    this.#rank = rank;
    this.#world = world;
    this.#sums = sums;
  }

  send(header: Header, payload: Uint8Array = new Uint8Array()): Promise<void> {
    const sent = this.#sending.then(() => this.#send(header, payload));
    this.#sending = sent.catch(() => {});
    return sent;
  }

  async #send(header: Header, payload: Uint8Array): Promise<void> {
    if (this.#isClosed) throw new ChannelError("The simulated channel is closed");
    const { clock, figures, way, scale, slower } = this.#world;
    const isSum = header.type === "sum";
    // A sum is put into a file once for all who read it; sockets carry it to each.
    const isPut = !isSum || await this.#sums.add(header) || way === "sockets";
    const bytes = isPut ? payload.length * scale : 0;
    const copy = payload.slice();
    await clock.occupy(this.#rank, figures.frame + bytes * figures.put[way] * slower);
    this.other?.take({ header, payload: copy });
  }

  /** Puts a frame into the inbox. */
  take(frame: { header: Header; payload: Uint8Array }): void {
    this.#inbox.push(frame);
    this.#arrived.resolve();
  }

  async receive(place?: PayloadTarget): Promise<Frame | undefined> {
    const { clock, figures, way, scale, slower } = this.#world;
    while (this.#inbox.length === 0) {
      if (this.#isClosed) return undefined;
      this.#arrived = Promise.withResolvers();
      await this.#arrived.promise;
    }
    const { header, payload } = this.#inbox.shift() as { header: Header; payload: Uint8Array };
    const cost = figures.frame + payload.length * scale * figures.take[way] * slower;
    await clock.occupy(this.#rank, cost);
    if (payload.length > 0) place?.(header, payload.length)?.set(payload);
    return { header, payload, attempt: 0 };
  }

  close(): void {
    this.#isClosed = true;
    this.#arrived.resolve();
  }
}
