/** Restores the state of a sweep from its folder: trials and decisions so far. */
import { maxOf } from "../../base/extremes.ts";
import { rungsOf } from "../../sweep/asha.ts";
import type { Sweep } from "../../sweep/schema.ts";
import type { TrialProgress } from "../../sweep/trial_progress.ts";
import type { TrunkShare } from "../../sweep/trunk.ts";
import type { Trial } from "../../sweep/types.ts";
import type { Books } from "./books.ts";
import { readTrial, savedStepsOf } from "./trial_folder.ts";

/** The standing of each trial, by key, in the order of the sweep. A trial that failed waits again. */
export async function standingsOf(
  trials: readonly Trial[],
  { sweep, shares, books }: {
    sweep: Sweep;
    shares: ReadonlyMap<string, TrunkShare>;
    books: Books;
  },
): Promise<Map<string, TrialProgress>> {
  const standings = new Map<string, TrialProgress>();
  for (const trial of trials) {
    const { key, config } = trial;
    const { steps } = readTrial(books.folder(key));
    const entries = books.journal.entries.filter((entry) => entry["key"] === key);
    const of = (kind: string) => entries.filter((entry) => entry.kind === kind);
    const rungs = sweep.asha === undefined ? [config.steps] : rungsOf(config.steps, sweep.asha);
    const promoted = Math.max(0, maxOf(of("promoted").map(({ rung }) => Number(rung))));
    const rung = Math.min(promoted, rungs.length - 1);
    const isReached = steps >= (rungs[rung] as number);
    const branched = of("branched").at(-1);
    standings.set(key, {
      trial,
      share: shares.get(key) ?? { at: [] },
      rungs,
      state: !isReached ? "waits" : rung === rungs.length - 1 ? "done" : "rests",
      rung,
      tries: 0,
      steps,
      checkpoints: await savedStepsOf(books.folder(key)),
      losses: new Map([...of("rung"), ...of("done")].map((entry) => [
        Number(entry["step"]),
        typeof entry["val_loss"] === "number" ? entry["val_loss"] : null,
      ])),
      seconds: of("ended").reduce((sum, { seconds }) => sum + Number(seconds), 0),
      trunk: branched === undefined
        ? null
        : { key: String(branched["trunk"]), step: Number(branched["step"]) },
      reason: null,
    });
  }
  return standings;
}
