/**
 * The coordinator's side of a conversation with one worker: orders out, replies in. Answers wait in
 * turn for who asked; whatever comes unasked goes to the one handler at once.
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

/** Replies that nobody waits for in turn. */
const UNASKED = [
  "beat",
  "part",
  "lane",
  "saved",
  "strike",
  "broken",
  "unreadable",
  "failed",
] as const;
/** Type of a reply that goes to the handler. */
export type Unasked = typeof UNASKED[number];

/** What a link is told of the world. */
export interface LinkOptions {
  /** Most bytes behind a reply of a type; 0 for those that carry none. */
  readonly limit: (type: string) => number;
  /** Takes what comes unasked. */
  readonly heard: (answer: Answer<Unasked>) => void;
  /** The conversation is over. */
  readonly ended: (why: string) => void;
}

/** One worker, as orders reach it. */
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

  /** Reads until the conversation ends. */
  async listen(): Promise<void> {
    try {
      while (true) {
        const frame = await this.#channel.receive((header, bytes) => this.#place(header, bytes));
        if (frame === undefined) return this.#options.ended("its channel ended");
        if (frame.attempt !== this.#channel.attempt) {
          this.#late++; // it was let through before the link moved on
          continue;
        }
        const answer = { reply: read(frame.header), payload: frame.payload };
        if (isUnasked(answer)) this.#options.heard(answer);
        else this.#answers.push(answer);
      }
    } catch (error) {
      this.#channel.close();
      this.#options.ended(error instanceof Error ? error.message : String(error));
    }
  }

  /** Sends an order. A worker that is gone is noticed by the end of its channel. */
  async order(order: Order, payload?: Uint8Array): Promise<void> {
    const sent = this.#channel.send(header(order), payload);
    if (order.type === "form") this.move(order.attempt);
    await sent.catch(() => {});
  }

  /** From now on only frames of `attempt` count, and no answer from before does. */
  move(attempt: number): void {
    this.#channel.attempt = attempt;
    this.#answers = new Queue();
  }

  /** Ends the waiting for answers until the worker is in another formation. */
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

  /** Nothing is allocated that was not to be expected. */
  #place({ type }: Header, bytes: number): undefined {
    const most = this.#options.limit(type);
    if (bytes <= most) return;
    throw new ChannelError(`Cannot take ${type}: needs at most ${most} bytes: got ${bytes}`);
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

function isUnasked(answer: Answer): answer is Answer<Unasked> {
  return (UNASKED as readonly string[]).includes(answer.reply.type);
}
