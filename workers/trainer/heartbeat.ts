/** Heartbeats of a worker: whom it waits for, and whether and how far it got in its section. */
import type { Reply, WorkerProgress } from "../protocol/messages.ts";

/** Time between two heartbeats, ms. */
export const BEAT_MS = 500;
/** Longest time that a long section keeps the event loop from heartbeats and orders, ms. */
const YIELD_MS = 100;

/** Progress since the last heartbeat. */
export class Heartbeat {
  #hasMoved = false;
  /** Undefined where it cannot be counted, and once it is reported. */
  #progress: WorkerProgress | undefined;
  #yielded = 0;

  /** The next heartbeat; `waiting`: ranks whose data the worker waits for. */
  next(waiting: readonly number[]): Reply & { readonly type: "beat" } {
    const moved = this.#hasMoved;
    const progress = this.#progress;
    this.#hasMoved = false;
    this.#progress = undefined;
    return { type: "beat", waiting: [...waiting], moved, ...progress && { progress } };
  }

  /**
   * Records that part of a long section is done. A device may block the event loop, so this yields to
   * it now and then.
   */
  readonly moved = async (progress?: WorkerProgress): Promise<void> => {
    this.#hasMoved = true;
    this.#progress = progress;
    if (performance.now() - this.#yielded < YIELD_MS) return;
    await new Promise((resolve) => setTimeout(resolve));
    this.#yielded = performance.now();
  };

  /** Drops the progress of a section that is over: a later heartbeat would report it as new. */
  clear(): void {
    this.#progress = undefined;
  }
}
