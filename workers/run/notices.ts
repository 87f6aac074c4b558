/**
 * Notices that a run shows once: another device than the checkpoint's, a schedule that is over early, a
 * window of attention without an effect.
 */
import type { Checkpoint } from "../../src/checkpoint/verify.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { taskOf } from "../../src/data/sources/mod.ts";
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
export function warnOfSchedule({ steps, optim }: RunConfig, show: EventSink): void {
  if (optim.schedule === "constant" || steps <= optim.decay_steps) return;
  const text = `The learning rate reaches its minimum at step ${optim.decay_steps} ` +
    `(optim.decay_steps) and stays there until step ${steps}`;
  show({ type: "notice", text });
}

/** Warns of a window of attention that is longer than the sequences. */
export function warnOfAttention({ model, data }: RunConfig, show: EventSink): void {
  // Vocabulary size 0: the length of a sequence does not depend on it.
  const { time } = taskOf(data, 0);
  if (model.kind !== "gpt" || (model.attention_window ?? 0) <= time) return;
  const text =
    `model.attention_window ${model.attention_window} has no effect: it is longer than ` +
    `a sequence of ${time} tokens (data.seq_len)`;
  show({ type: "notice", text });
}
