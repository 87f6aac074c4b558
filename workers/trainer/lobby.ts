/** Peers that have connected early: a peer may dial before this worker has received its `form` order. */
import { ChannelError } from "../../src/transport/channel.ts";
import type { FencedChannel } from "../../src/transport/channel.ts";

/** Connected peers, by attempt and rank. */
export class Lobby {
  readonly #waiting = new Map<string, FencedChannel>();
  readonly #awaited = new Map<string, (channel: FencedChannel) => void>();
  #attempt = 0;

  /** Takes in an authenticated peer; one of an older attempt is closed. */
  enter(channel: FencedChannel, { attempt, rank }: { attempt: number; rank: number }): void {
    if (attempt < this.#attempt) return channel.close();
    const key = `${attempt}/${rank}`;
    const deliver = this.#awaited.get(key);
    this.#awaited.delete(key);
    if (deliver !== undefined) return deliver(channel);
    this.#waiting.get(key)?.close(); // it dialed again: its first attempt failed
    this.#waiting.set(key, channel);
  }

  /** The peer of a rank, once it has connected. Rejects when the signal is aborted first. */
  meet(attempt: number, rank: number, signal: AbortSignal): Promise<FencedChannel> {
    this.#leave(attempt);
    const key = `${attempt}/${rank}`;
    const waiting = this.#waiting.get(key);
    if (this.#waiting.delete(key) && waiting !== undefined) return Promise.resolve(waiting);
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#awaited.delete(key);
        reject(new ChannelError(`Cannot meet rank ${rank}: another quorum follows`));
      };
      if (signal.aborted) return leave();
      signal.addEventListener("abort", leave, { once: true });
      this.#awaited.set(key, (channel) => {
        signal.removeEventListener("abort", leave);
        resolve(channel);
      });
    });
  }

  /** Closes the peers of attempts before this one. */
  #leave(attempt: number): void {
    this.#attempt = attempt;
    for (const [key, channel] of this.#waiting) {
      if (Number(key.split("/")[0]) >= attempt) continue;
      channel.close();
      this.#waiting.delete(key);
    }
  }
}
