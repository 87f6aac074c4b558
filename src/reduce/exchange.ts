/**
 * Conversations that succeed or fail together: the first fault closes all channels, and nothing is
 * left under way when the fault is told. Knows nothing of what is said.
 */
import type { Channel } from "../transport/channel.ts";

/** A reduce that failed; `rank` is the peer where the fault was seen first. */
export class ReduceError extends Error {
  readonly rank: number;

  constructor(rank: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ReduceError";
    this.rank = rank;
  }
}

/** The conversations of one step. */
export class Exchange {
  #step: number;
  #channels: readonly Channel[];
  #tasks: Promise<void>[] = [];
  #fault: ReduceError | undefined;

  constructor(step: number, channels: readonly Channel[]) {
    this.#step = step;
    this.#channels = channels;
  }

  /** Starts one conversation with a peer. */
  with(rank: number, task: () => Promise<void>): Promise<void> {
    const watched = task().catch((error) => {
      const reason = error instanceof Error ? error.message : String(error);
      const message = `Cannot reduce step ${this.#step} with rank ${rank}: ${reason}`;
      this.#fault ??= new ReduceError(rank, message, { cause: error });
      this.#close();
      throw this.#fault;
    });
    watched.catch(() => {}); // whoever starts several may not be waiting for this one yet
    this.#tasks.push(watched);
    return watched;
  }

  /** Runs what starts the conversations and waits until each of them has ended. */
  async finish<T>(body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (error) {
      this.#close();
      throw error;
    } finally {
      await Promise.allSettled(this.#tasks);
    }
  }

  #close(): void {
    for (const channel of this.#channels) channel.close();
  }
}
