/** Notices that a run shows once: another device than the checkpoint's, a schedule that is over early. */
import { reachesMinimum } from "../../src/config/schedule_end.ts";
import type { Checkpoint } from "../../src/checkpoint/verify.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import type { EventSink } from "../../src/report/events.ts";
import { otherBits } from "../protocol/identity.ts";

/** A sink that tells at the start why the last bits may differ from those of the checkpoint. */
export function adapterNotice(from: Checkpoint | undefined, show: EventSink): EventSink {
  return (event) => {
    if (event.type !== "start" || from === undefined) return;
    for (const text of otherBits(from.manifest, event.run)) {
      show({ type: "notice", text });
    }
  };
}

/** Warns of steps after the end of the learning rate's schedule. */
export function warnOfSchedule(config: RunConfig, show: EventSink): void {
  const { steps, optim } = config;
  if (!reachesMinimum(config) || steps <= optim.decay_steps) return;
  const text = `The learning rate reaches its minimum at step ${optim.decay_steps} ` +
    `(optim.decay_steps) and stays there until step ${steps}`;
  show({ type: "notice", text });
}
