/**
 * Where a worker's peers wait until it asks for them: a peer may dial before the worker itself was
 * told of the formation. Knows no sockets.
 */
import { ChannelError } from "../../src/transport/channel.ts";
import type { FencedChannel } from "../../src/transport/channel.ts";

/** Peers that have dialed, by attempt and rank. */
export class Lobby {
  readonly #waiting = new Map<string, FencedChannel>();
  readonly #asked = new Map<string, (channel: FencedChannel) => void>();
  #attempt = 0;

  /** A peer has proven who it is. One of an attempt that is over is closed. */
  enter(channel: FencedChannel, { attempt, rank }: { attempt: number; rank: number }): void {
    if (attempt < this.#attempt) return channel.close();
    const key = `${attempt}/${rank}`;
    const asked = this.#asked.get(key);
    this.#asked.delete(key);
    if (asked !== undefined) return asked(channel);
    this.#waiting.get(key)?.close(); // it dialed again: its first try came to nothing
    this.#waiting.set(key, channel);
  }

  /** The peer of a rank, once it is there. Rejects when the signal is aborted before. */
  meet(attempt: number, rank: number, signal: AbortSignal): Promise<FencedChannel> {
    this.#leave(attempt);
    const key = `${attempt}/${rank}`;
    const there = this.#waiting.get(key);
    if (this.#waiting.delete(key) && there !== undefined) return Promise.resolve(there);
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#asked.delete(key);
        reject(new ChannelError(`Cannot meet rank ${rank}: another formation follows`));
      };
      if (signal.aborted) return leave();
      signal.addEventListener("abort", leave, { once: true });
      this.#asked.set(key, (channel) => {
        signal.removeEventListener("abort", leave);
        resolve(channel);
      });
    });
  }

  /** Closes those of attempts before this one. */
  #leave(attempt: number): void {
    this.#attempt = attempt;
    for (const [key, channel] of this.#waiting) {
      if (Number(key.split("/")[0]) >= attempt) continue;
      channel.close();
      this.#waiting.delete(key);
    }
  }
}
