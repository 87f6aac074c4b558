/** Predicts how long a sweep takes, and says from which measurement. */
import { join } from "node:path";
import { sealFault } from "../../base/hash.ts";
import { parseJsonText } from "../../base/text/json.ts";
import { UserError } from "../../base/user_error.ts";
import { readIfAny } from "../../report/atomic.ts";
import { showSeconds } from "../../report/format.ts";
import type { Status } from "../../report/progress/status.ts";
import {
  extremes,
  flopsPerSecond,
  secondsBySteps,
  type TimedStep,
  workOf,
} from "../../sweep/forecast.ts";
import type { TrialRow } from "../../sweep/rows.ts";
import type { TrunkShare } from "../../sweep/trunk.ts";
import type { Trial } from "../../sweep/types.ts";
import { openRunStart } from "../../artifacts/run_start.ts";
import { probe } from "../../engine/probe.ts";
import { openDevice } from "../device.ts";
import { compilingIn } from "../../terminal/status.ts";

/** What is to be forecast. */
export interface Planned {
  readonly trials: readonly Trial[];
  readonly shares: ReadonlyMap<string, TrunkShare>;
  /** Folder of the sweep, where it was begun before. */
  readonly out: string;
  /** Trials at a time. */
  readonly places: number;
  /** Steps to time of each trial that is timed; 0 times none. */
  readonly steps: number;
}

/** The forecast as a line; undefined where no measurement exists. */
export async function forecast(planned: Planned, status: Status): Promise<string | undefined> {
  const { trials, shares, out, places, steps } = planned;
  const rows = rowsIn(out);
  const ended = new Set(rows.filter((row) => row.status !== "failed").map((row) => row.key));
  const open = trials.filter(({ key }) => !ended.has(key));
  if (open.length === 0) return "nothing is left to train";
  const work = open.map((trial) => workOf(trial, shares.get(trial.key)?.trunk?.step ?? 0));
  const flops = work.reduce((sum, { steps, stepFlops }) => sum + steps * stepFlops, 0);
  const pace = flopsPerSecond(rows);
  const count = open.length === 1 ? "1 trial" : `${open.length} trials`;
  if (pace !== undefined) {
    const seconds = flops / pace / Math.min(places, open.length);
    return `about ${
      showSeconds(seconds)
    } for the ${count} that are left, ${places} at a time, by ` +
      "the time that the finished ones took";
  }
  if (steps === 0) return undefined;
  const timed: TimedStep[] = [];
  const chosen = extremes(open);
  try {
    for (const trial of chosen) timed.push(await timedStep(trial, { steps, status }));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return `how long it takes is not known: ${error.message}`;
  }
  const which = chosen.length === 1 ? "of one" : "of the smallest and the largest one";
  return `about ${showSeconds(secondsBySteps(work, timed))} for ${count}, by steps ${which} that ` +
    "were timed now; trials are taken to share the device, and evaluations, checkpoints and the " +
    "start of processes come on top";
}

async function timedStep(
  { name, config, flops }: Trial,
  { steps, status }: { steps: number; status: Status },
): Promise<TimedStep> {
  status.show(`timing ${name}`);
  const { data: { corpus } } = await openRunStart(config);
  const device = await openDevice(config.device.kind, compilingIn(status));
  const { micro_batch_seconds, update_seconds } = await probe(device, {
    config,
    corpus,
    steps,
    timing: (done, total) => status.show(`timing ${name}: step`, { done, total }),
  });
  return {
    stepFlops: flops / config.steps,
    seconds: config.micro_batches * micro_batch_seconds + update_seconds,
  };
}

/** Rows that a sweep has left; none where it was not begun. */
function rowsIn(out: string): TrialRow[] {
  return readIfAny(join(out, "trials.jsonl")).split("\n").flatMap((line) => {
    try {
      const row = parseJsonText(line) as TrialRow;
      return sealFault(row) === undefined ? [row] : [];
    } catch {
      return []; // The empty line at the end.
    }
  });
}
