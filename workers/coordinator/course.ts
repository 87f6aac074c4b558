/** How far a run has come: mutable, shared by all parts of a coordinator. */
import type { UserError } from "../../src/base/user_error.ts";
import type { NonFiniteState } from "../../src/checkpoint/non_finite.ts";
import { FRESH } from "../../src/guard/watch.ts";
import type { WatchState } from "../../src/guard/watch.ts";
import type { Rate } from "../../src/report/progress/rate.ts";
import { ExchangeTotals } from "./exchanged.ts";
import type { RunRequest } from "./request.ts";

/** Where a run stands. Steps are numbers of finished steps; -1 is never. */
export interface Course {
  step: number;
  /** Of the last step. */
  loss: number;
  /** Of the last evaluation. */
  valLoss: number | undefined;
  evaluated: number;
  sampled: number;
  /** When all replicas were last found equal. */
  proven: number;
  /** When a save last began, and the step of the newest checkpoint. */
  saved: number;
  written: number;
  /** Step whose state could not be saved last. */
  unsaved: number;
  /** A save failed: another one is due whatever the step. */
  owed: boolean;
  /** Hash of the state that was saved last. */
  stateHash: string;
  /** No step was committed since the quorum changed. */
  untried: boolean;
  /** The step that the last commit told all members to begin. */
  granted: number;
  watched: WatchState;
  rate: Rate;
  readonly exchange: ExchangeTotals;
  /** Ways of the exchange that were not asked for, and were told. */
  readonly ways: Set<string | undefined>;
  /** Steps that are skipped. */
  readonly skips: Set<number>;
  /**
   * The last state that gave a finite loss, and in training a finite gradient. A state of finite numbers
   * may still be too large to compute with.
   */
  sound: number;
  /** A state that was to be saved and is not finite; undefined where there is none. */
  ruin: { readonly step: number; readonly fault: NonFiniteState } | undefined;
  /** A worker was lost, and the data of the step has not been examined since. */
  isDoubtful: boolean;
  /** The error that ends the run once the state is saved. */
  fault: UserError | undefined;
}

/** Where a run begins; `rateAt`: a rate of steps that begins at a step. */
export function initialCourse(
  { config, from, skips }: RunRequest,
  rateAt: (step: number) => Rate,
): Course {
  const step = from?.manifest.step ?? 0;
  return {
    step,
    loss: NaN,
    valLoss: undefined,
    evaluated: step < config.steps ? step : -1,
    sampled: step,
    proven: -1,
    saved: from === undefined ? -1 : step,
    written: from === undefined ? -1 : step,
    unsaved: -1,
    owed: false,
    stateHash: from?.manifest.stateHash ?? "",
    untried: false,
    granted: -1,
    watched: FRESH,
    rate: rateAt(step),
    exchange: new ExchangeTotals(),
    ways: new Set(),
    skips: new Set(skips),
    sound: from?.manifest.valLoss == null ? step - 1 : step,
    ruin: undefined,
    isDoubtful: false,
    fault: undefined,
  };
}
