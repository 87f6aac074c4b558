/** What the events of a run say of what is being done. Pure. */
import type { RunEvent } from "../events.ts";
import type { StageProgress } from "./status.ts";

/** What is being done, and how much of it is. */
export interface Doing {
  readonly what: string;
  readonly reached?: StageProgress;
}

/** What a status shows for an event; undefined for those that say nothing of it. */
export function doingOf(event: RunEvent): Doing | undefined {
  if (event.type === "doing") return { what: event.what };
  if (event.type !== "progress") return undefined;
  const { of, done, total, workers } = event;
  const where = `on ${workers} ${workers === 1 ? "worker" : "workers"}`;
  if (of === "kernels") return { what: "compiling kernels", reached: { done, total, where } };
  return { what: "evaluating", reached: { done, total, where, even: true } };
}
