/** The coordinator's side of a conversation with one worker: orders out, replies in, in turn. */
import { EXIT, Refusal } from "../src/base/refusal.ts";
import type { ExitName } from "../src/base/refusal.ts";
import type { Channel, Frame } from "../src/transport/channel.ts";
import { header } from "./messages.ts";
import type { Order, Reply } from "./messages.ts";

/** A reply of a given type, and the bytes behind it. */
export interface Answer<T extends Reply["type"]> {
  readonly reply: Reply & { readonly type: T };
  readonly payload: Frame["payload"];
}

/** One worker, as orders reach it. */
export class Inbox {
  readonly rank: number;
  readonly #channel: Channel;

  constructor(channel: Channel, rank: number) {
    this.#channel = channel;
    this.rank = rank;
  }

  /** Sends an order. A worker that is gone is noticed by the reply that stays out. */
  async order(order: Order, payload?: Uint8Array): Promise<void> {
    try {
      await this.#channel.send(header(order), payload);
    } catch (error) {
      throw this.#gone(error);
    }
  }

  /** The next reply, which must be of one of the given types. */
  async expect<T extends Reply["type"]>(...types: readonly T[]): Promise<Answer<T>> {
    const frame = await this.#channel.receive().catch((error) => {
      throw this.#gone(error);
    });
    if (frame === undefined) throw this.#gone(undefined);
    const reply = frame.header as unknown as Reply;
    if (reply.type === "failed") throw this.#failure(reply);
    if (!(types as readonly string[]).includes(reply.type)) {
      throw new Error(`Cannot go on: worker ${this.rank} sent ${reply.type} instead of ${types}`);
    }
    return { reply: reply as Answer<T>["reply"], payload: frame.payload };
  }

  #failure({ exit, message }: Reply & { type: "failed" }): Error {
    if (exit in EXIT && exit !== "bug") return new Refusal(exit as ExitName, message);
    return new Error(`Worker ${this.rank} failed: ${message}`);
  }

  #gone(cause: unknown): Refusal {
    const why = cause instanceof Error ? `: ${cause.message}` : "";
    return new Refusal("lost", `Cannot go on: worker ${this.rank} is gone${why}`);
  }
}
