/** Whether the learning rate of a run has an end. */
import { hasScheduleEnd } from "../optim/schedule.ts";
import type { RunConfig } from "./schema.ts";

/** Whether the learning rate stops changing at `optim.decay_steps`. */
export function reachesMinimum({ optim }: Pick<RunConfig, "optim">): boolean {
  return hasScheduleEnd(optim);
}
