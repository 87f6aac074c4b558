/** Early stopping: promotes trials to their next rung. */
import { maxOf } from "../../base/extremes.ts";
import { finalist, promotion, type RungReached } from "../../sweep/asha.ts";
import type { Sweep } from "../../sweep/schema.ts";
import { lossAt, type TrialProgress } from "../../sweep/trial_progress.ts";
import type { Books } from "./books.ts";
import { readTrial } from "./trial_folder.ts";

/** What promotions are decided from. */
interface PromotionOptions {
  readonly sweep: Sweep;
  readonly standings: ReadonlyMap<string, TrialProgress>;
  readonly books: Books;
  /** Called for each trial that is promoted, with the reason. */
  readonly onPromoted: (one: TrialProgress, reason: string) => void;
}

/** The rungs of a sweep's trials. */
export class Promotions {
  readonly #options: PromotionOptions;
  /** Highest rung that each trial has been promoted to. */
  readonly #promoted = new Map<string, number>();

  constructor(options: PromotionOptions) {
    this.#options = options;
    for (const [key, { rung }] of options.standings) this.#promoted.set(key, rung);
  }

  /** Promotes trials as early stopping decides. `isIdle`: no trial is running. */
  promote({ isIdle }: { readonly isIdle: boolean }): void {
    const { sweep: { asha }, standings, books, onPromoted } = this.#options;
    if (asha === undefined) return;
    const list = Array.from(standings.values());
    const reached = list.flatMap((one) => one.state === "failed" ? [] : this.#rungs(one));
    const rungs = maxOf(list.map((one) => one.rungs.length));
    for (;;) {
      const bracket = { promoted: this.#promoted, rungs, eta: asha.eta };
      const isOver = isIdle && list.every(({ state }) => state !== "waits");
      const next = promotion(reached, bracket) ?? (isOver ? finalist(reached, bracket) : undefined);
      if (next === undefined) return;
      const { key, rung, reason } = next;
      const one = standings.get(key) as TrialProgress;
      // Write-ahead: a resumed sweep repeats the same promotions.
      books.journal.write({ kind: "promoted", key, rung, reason }, { sync: true });
      this.#promoted.set(key, rung);
      one.rung = rung;
      one.state = "waits";
      onPromoted(one, reason);
    }
  }

  /** The rungs that a trial has reached, except the last, with its losses there. */
  #rungs(one: TrialProgress): RungReached[] {
    const { trial: { key }, rungs, steps } = one;
    const { valLosses } = readTrial(this.#options.books.folder(key));
    return rungs.slice(0, -1).flatMap((step, rung) =>
      step <= steps ? [{ key, rung, loss: lossAt(one, step, valLosses) }] : []
    );
  }
}
