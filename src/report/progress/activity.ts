/** The current activity of a run, derived from its events. Pure. */
import type { RunEvent } from "../events.ts";
import type { StageProgress } from "./status.ts";

/** An activity, and how far it is. */
export interface Activity {
  readonly what: string;
  readonly reached?: StageProgress;
}

/** The activity that an event starts or continues; undefined for other events. */
export function activityOf(event: RunEvent): Activity | undefined {
  if (event.type === "doing") return { what: event.what };
  if (event.type !== "progress") return undefined;
  const { of, done, total, workers } = event;
  const where = `on ${workers} ${workers === 1 ? "worker" : "workers"}`;
  if (of === "kernels") return { what: "compiling kernels", reached: { done, total, where } };
  return { what: "evaluating", reached: { done, total, where, even: true } };
}
