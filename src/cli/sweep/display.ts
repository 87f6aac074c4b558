/** Reports on the terminal how far a sweep is. */
import type { Status } from "../../report/progress/status.ts";
import { sweepText, workOf } from "../../sweep/forecast.ts";
import { type TrialProgress, untilOf } from "../../sweep/trial_progress.ts";
import type { Books } from "./books.ts";
import { lastStep } from "./trial_folder.ts";

/** The status line of a sweep, and the lines above it. */
export class SweepDisplay {
  readonly #standings: ReadonlyMap<string, TrialProgress>;
  readonly #books: Books;
  readonly #status: Status;
  /** The step from which each trial continued in this call. */
  readonly #begun = new Map<string, number>();
  readonly #start = performance.now();

  constructor(
    { standings, books, status }: {
      readonly standings: ReadonlyMap<string, TrialProgress>;
      readonly books: Books;
      readonly status: Status;
    },
  ) {
    this.#standings = standings;
    this.#books = books;
    this.#status = status;
  }

  /** Notes that a trial continues from a step. */
  begin(key: string, from: number): void {
    if (!this.#begun.has(key)) this.#begun.set(key, from);
  }

  /** Prints a line. */
  print(text: string): void {
    this.#status.print(text);
  }

  /** Prints a line about a trial. */
  say(word: string, { trial: { name } }: TrialProgress, text: string): void {
    const all = Array.from(this.#standings.values());
    const over = all.filter(({ state }) => state === "done" || state === "failed").length;
    this.#status.print(`[${over}/${all.length}] ${word} ${name}: ${text}`);
    this.show();
  }

  /** Shows the running trials, and the time left at the present speed. */
  show(): void {
    const all = Array.from(this.#standings.values());
    const stepOf = (one: TrialProgress) =>
      one.state === "runs" ? lastStep(this.#books.folder(one.trial.key)) : one.steps;
    let [done, left] = [0, 0];
    for (const one of all) {
      const { trial, share: { trunk }, state } = one;
      if (state === "failed") continue;
      const begun = this.#begun.get(trial.key);
      const at = Math.max(stepOf(one), begun ?? trunk?.step ?? 0);
      const { steps, stepFlops } = workOf(trial, at);
      if (begun !== undefined) done += (at - begun) * stepFlops;
      if (state !== "done") left += steps * stepFlops;
    }
    const running = all.filter(({ state }) => state === "runs")
      .map((one) => ({ name: one.trial.name, step: stepOf(one), until: untilOf(one) }));
    const over = all.filter(({ state }) => state === "done" || state === "failed").length;
    const seconds = (performance.now() - this.#start) / 1000;
    const progress = { over, trials: all.length, running, done, left };
    this.#status.show("training", { text: sweepText(progress, seconds) });
  }
}
