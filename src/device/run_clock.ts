/** Times the runs of programs on devices that compute before `run` returns. */
import type { PassTime } from "./types.ts";

/** Begins and ends of runs, and their total. */
export class RunClock {
  #origin: number | undefined;
  #seconds = 0;
  #times: PassTime[] = [];

  /** Seconds of all runs. */
  get seconds(): number {
    return this.#seconds;
  }

  /** Runs and times. */
  time(run: () => void): void {
    const begin = performance.now() / 1000;
    run();
    const end = performance.now() / 1000;
    const origin = this.#origin ??= begin;
    this.#seconds += end - begin;
    this.#times.push({ begin: begin - origin, end: end - origin });
  }

  /** The times since the last call. */
  take(): readonly PassTime[] {
    const times = this.#times;
    this.#times = [];
    return times;
  }
}
