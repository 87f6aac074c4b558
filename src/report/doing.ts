/** What the events of a run say of what is being done. Pure. */
import type { RunEvent } from "./events.ts";
import type { Status } from "./status.ts";

/** What a status shows for an event; undefined for those that say nothing of it. */
export function doingOf(event: RunEvent): Parameters<Status["show"]> | undefined {
  if (event.type === "doing") return [event.what];
  if (event.type !== "progress") return undefined;
  const { of, done, total, workers } = event;
  const where = `on ${workers} ${workers === 1 ? "worker" : "workers"}`;
  if (of === "kernels") return ["compiling kernels", { done, total, where }];
  return ["evaluating", { done, total, where, even: true }];
}
