/** Sums the progress that the workers of a group report. Pure. */
import type { WorkerProgress } from "../protocol/messages.ts";

/** The progress of several workers. */
export interface GroupProgress extends WorkerProgress {
  readonly workers: number;
}

/** The last report of each worker. */
export class ProgressTotals {
  readonly #latest = new Map<number, WorkerProgress>();

  /** Records a worker's report. */
  take(id: number, progress: WorkerProgress): void {
    this.#latest.set(id, progress);
  }

  /** Drops a worker's report: it has another order now. */
  forget(id: number): void {
    this.#latest.delete(id);
  }

  /** The sum of the reports that count `of`, over the workers that are still present. */
  sum(of: WorkerProgress["of"], present: readonly number[]): GroupProgress {
    for (const id of this.#latest.keys()) if (!present.includes(id)) this.forget(id);
    const all = Array.from(this.#latest.values()).filter((progress) => progress.of === of);
    const total = (key: "done" | "total") => all.reduce((sum, each) => sum + each[key], 0);
    return { of, done: total("done"), total: total("total"), workers: all.length };
  }
}
