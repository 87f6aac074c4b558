/**
 * The coordinator's end of a channel to one worker: sends orders and receives replies. Answers to
 * orders are queued; unsolicited replies go to a handler at once.
 */
import { ChannelError } from "../../src/transport/channel.ts";
import type { FencedChannel, Header } from "../../src/transport/channel.ts";
import { header } from "../protocol/messages.ts";
import type { Order, Reply } from "../protocol/messages.ts";
import { Queue } from "../protocol/queue.ts";
import { replySchema } from "../protocol/schema.ts";

/** A reply of a given type, and the bytes behind it. */
export interface Answer<T extends Reply["type"] = Reply["type"]> {
  readonly reply: Reply & { readonly type: T };
  readonly payload: Uint8Array;
}

/** Replies that answer no order. */
const UNSOLICITED = [
  "beat",
  "part",
  "lane",
  "saved",
  "broken",
  "unreadable",
  "failed",
] as const;
/** Type of a reply that answers no order. */
export type Unsolicited = typeof UNSOLICITED[number];

/** Limits and handlers of a link. */
export interface LinkOptions {
  /** Largest payload of a reply type in bytes; 0 for replies without one. */
  readonly limit: (type: string) => number;
  /** Handles an unsolicited reply. */
  readonly received: (answer: Answer<Unsolicited>) => void;
  /** Called when the channel ends. */
  readonly ended: (why: string) => void;
}

/** The link to one worker. */
export class Link {
  readonly #channel: FencedChannel;
  readonly #options: LinkOptions;
  #answers = new Queue<Answer>();
  #late = 0;

  constructor(channel: FencedChannel, options: LinkOptions) {
    this.#channel = channel;
    this.#options = options;
  }

  /** Frames of older attempts that were dropped. */
  get stale(): number {
    return this.#channel.stale + this.#late;
  }

  /** Reads until the channel ends. */
  async listen(): Promise<void> {
    try {
      while (true) {
        const frame = await this.#channel.receive((header, bytes) =>
          this.#checkSize(header, bytes)
        );
        if (frame === undefined) return this.#options.ended("its channel ended");
        if (frame.attempt !== this.#channel.attempt) {
          this.#late++; // the channel accepted it before the link moved on
          continue;
        }
        const answer = { reply: read(frame.header), payload: frame.payload };
        if (isUnasked(answer)) this.#options.received(answer);
        else this.#answers.push(answer);
      }
    } catch (error) {
      this.#channel.close();
      this.#options.ended(error instanceof Error ? error.message : String(error));
    }
  }

  /** Sends an order. Errors are dropped: listen() reports a worker that is gone. */
  async order(order: Order, payload?: Uint8Array): Promise<void> {
    const sent = this.#channel.send(header(order), payload);
    if (order.type === "form") this.move(order.attempt);
    await sent.catch(() => {});
  }

  /** Accepts only frames of `attempt` from now on, and drops queued answers. */
  move(attempt: number): void {
    this.#channel.attempt = attempt;
    this.#answers = new Queue();
  }

  /** Rejects all waits for answers until the worker is in another quorum. */
  interrupt(fault: Error): void {
    this.#answers.fail(fault);
  }

  /** The next answer, which must be of the given type. */
  async expect<T extends Reply["type"]>(type: T): Promise<Answer<T>> {
    const { reply, payload } = await this.#answers.next();
    if (reply.type !== type) throw new Error(`Cannot go on: needs ${type}: got ${reply.type}`);
    return { reply: reply as Answer<T>["reply"], payload };
  }

  close(): void {
    this.#channel.close();
  }

  /** Refuses payloads that no order asks for before they are allocated. */
  #checkSize({ type }: Header, bytes: number): undefined {
    const limit = this.#options.limit(type);
    if (bytes <= limit) return;
    throw new ChannelError(`Cannot take ${type}: needs at most ${limit} bytes: got ${bytes}`);
  }
}

function read(header: Header): Reply {
  const parsed = replySchema.safeParse(header);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new ChannelError(
    `Cannot read ${header.type}: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`,
  );
}

function isUnasked(answer: Answer): answer is Answer<Unsolicited> {
  return (UNSOLICITED as readonly string[]).includes(answer.reply.type);
}
