/** How far the workers of a team are with what they were told, in sum. Pure. */
import type { WorkerProgress } from "../protocol/messages.ts";

/** The progress of several workers. */
export interface GroupProgress extends WorkerProgress {
  readonly workers: number;
}

/** What each worker said last. */
export class Advance {
  readonly #latest = new Map<number, WorkerProgress>();

  /** Takes what a worker says. */
  take(id: number, progress: WorkerProgress): void {
    this.#latest.set(id, progress);
  }

  /** A worker was told to do something else. */
  forget(id: number): void {
    this.#latest.delete(id);
  }

  /** The sum of what is counted as `of`, over the workers that are still there. */
  sum(of: WorkerProgress["of"], present: readonly number[]): GroupProgress {
    for (const id of this.#latest.keys()) if (!present.includes(id)) this.forget(id);
    const all = Array.from(this.#latest.values()).filter((progress) => progress.of === of);
    const total = (key: "done" | "total") => all.reduce((sum, each) => sum + each[key], 0);
    return { of, done: total("done"), total: total("total"), workers: all.length };
  }
}
