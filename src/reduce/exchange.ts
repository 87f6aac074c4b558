/**
 * Concurrent transfers that succeed or fail together: the first fault closes all channels, and is
 * reported after all transfers have ended.
 */
import type { Channel } from "../transport/channel.ts";
import { Counter } from "./counter.ts";

/** A failed reduce; `rank` is the peer whose transfer failed first. */
export class ReduceError extends Error {
  readonly rank: number;

  constructor(rank: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ReduceError";
    this.rank = rank;
  }
}

/** The transfers of one step. */
export class Exchange {
  #step: number;
  #channels: readonly Channel[];
  #tasks: Promise<void>[] = [];
  #open = new Map<number, number>();
  #fault: ReduceError | undefined;
  #counters: Counter[] = [];

  constructor(step: number, channels: readonly Channel[]) {
    this.#step = step;
    this.#channels = channels;
  }

  /** A counter that a fault of the exchange cancels. */
  counter(): Counter {
    const counter = new Counter();
    this.#counters.push(counter);
    return counter;
  }

  /** Ranks with pending transfers. */
  get ranks(): readonly number[] {
    return Array.from(this.#open.keys());
  }

  /** Starts a transfer with a peer. */
  with(rank: number, task: () => Promise<void>): Promise<void> {
    this.#open.set(rank, (this.#open.get(rank) ?? 0) + 1);
    const watched = task().finally(() => this.#leave(rank)).catch((error) => {
      const reason = error instanceof Error ? error.message : String(error);
      const message = `Cannot reduce step ${this.#step} with rank ${rank}: ${reason}`;
      this.#fault ??= new ReduceError(rank, message, { cause: error });
      this.#close(this.#fault);
      throw this.#fault;
    });
    watched.catch(() => {}); // avoids an unhandled rejection before the caller awaits it
    this.#tasks.push(watched);
    return watched;
  }

  /** Watches a task that is no transfer: its fault is no peer's. */
  also(task: Promise<void>): Promise<void> {
    this.#tasks.push(task.catch(() => {}));
    return task;
  }

  /** Waits for all transfers that were started. */
  async sent(): Promise<void> {
    await Promise.all(this.#tasks);
  }

  /** Runs `body`, which starts the transfers, and waits until all have ended. */
  async finish<T>(body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (error) {
      this.#close(error);
      // What waits for another task is cancelled by that task's fault, which is the cause.
      throw this.#fault ?? error;
    } finally {
      await Promise.allSettled(this.#tasks);
    }
  }

  #leave(rank: number): void {
    const left = (this.#open.get(rank) ?? 1) - 1;
    if (left > 0) this.#open.set(rank, left);
    else this.#open.delete(rank);
  }

  #close(reason: unknown): void {
    for (const channel of this.#channels) channel.close();
    for (const counter of this.#counters) counter.cancel(reason);
  }
}
