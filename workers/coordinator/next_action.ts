/** Chooses the next action of a run. Pure. */
import type { RunConfig } from "../../src/config/schema.ts";

/** How far a run is, in finished steps. */
export interface RunProgress {
  readonly step: number;
  /** Steps of the last evaluation, proof of equal states, save (finished or not), samples. */
  readonly evaluated: number;
  readonly proven: number;
  readonly saved: number;
  readonly sampled: number;
  /** Step whose state could not be saved last; -1: none. */
  readonly unsaved: number;
  /** A save failed: another one is due whatever the step. */
  readonly owed: boolean;
  readonly stopping: boolean;
}

/** An action; `end` when nothing is left to do. */
export type NextAction = "evaluate" | "sample" | "prove" | "save" | "save_last" | "step" | "end";

interface Plan extends Pick<RunConfig, "steps" | "checkpoint" | "guard"> {
  readonly eval: Pick<RunConfig["eval"], "every">;
  readonly report: Pick<RunConfig["report"], "sample_every">;
}

/** The next action. */
export function nextTask(progress: RunProgress, plan: Plan): NextAction {
  const { step, evaluated, sampled, proven, saved, unsaved, owed, stopping } = progress;
  const isSaved = saved === step && unsaved !== step;
  if (stopping) return isSaved ? "end" : "save_last";
  const over = step >= plan.steps;
  if (evaluated !== step && (over || every(plan.eval.every, step))) return "evaluate";
  if (over) return isSaved ? "end" : "save_last";
  if (sampled !== step && every(plan.report.sample_every, step)) return "sample";
  if (proven !== step && every(plan.guard.hash_every, step)) return "prove";
  const { at } = plan.checkpoint;
  if (saved !== step && (owed || at.includes(step) || every(plan.checkpoint.every, step))) {
    return "save";
  }
  return "step";
}

/** Whether another action is due between `step` finished steps and the next step. */
export function isPause(step: number, plan: Plan): boolean {
  return step >= plan.steps || plan.checkpoint.at.includes(step) ||
    [plan.eval, plan.checkpoint].some((part) => every(part.every, step)) ||
    [plan.guard.hash_every, plan.report.sample_every].some((n) => every(n, step));
}

function every(interval: number, step: number): boolean {
  return interval > 0 && step > 0 && step % interval === 0;
}
