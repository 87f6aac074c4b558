/** Reads from the folders of trials how they ended. */
import { rowOf, type TrialOutcome, type TrialRow } from "../../sweep/rows.ts";
import { lossAt, type TrialProgress, type TrialState } from "../../sweep/trial_progress.ts";
import type { Books } from "./books.ts";
import { readTrial } from "./trial_folder.ts";

const STATUS: Partial<Record<TrialState, TrialOutcome["status"]>> = {
  done: "done",
  failed: "failed",
  rests: "stopped",
};

/** Rows of the finished trials, in the order of the sweep. */
export function outcomeRows(
  standings: ReadonlyMap<string, TrialProgress>,
  books: Books,
): TrialRow[] {
  return Array.from(standings.values()).flatMap((one) => {
    const status = STATUS[one.state];
    return status === undefined ? [] : [rowOf(one.trial, outcomeOf(one, { status, books }))];
  });
}

function outcomeOf(
  one: TrialProgress,
  { status, books }: { status: TrialOutcome["status"]; books: Books },
): TrialOutcome {
  const { trial, seconds, trunk, reason } = one;
  const { steps, loss, valLosses, stateHash, workers } = readTrial(books.folder(trial.key));
  const valLoss = lossAt(one, steps, valLosses);
  return { status, loss, valLoss, steps, seconds, stateHash, workers, trunk, reason };
}
