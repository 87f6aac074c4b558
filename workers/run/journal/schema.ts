/** The entries of a run's journal that a resume decides by; of the others only their kinds. */
import * as z from "zod";

const step = z.int().min(0);
const steps = z.array(step);

/** By kind. Entries may say more than is read. */
export const entrySchemas = {
  /**
   * A process begins: the step that it goes on from, the last one that it is to do, and the hash of the
   * config that it stores.
   */
  start: z.looseObject({ from: step, steps: step, config: z.string().optional() }),
  /** Steps that are passed over, as decided at a step. */
  skip: z.looseObject({ step, skips: steps.min(1) }),
  /** A checkpoint was published. */
  saved: z.looseObject({ step }),
  /** Checkpoints that were removed since newer ones are kept. */
  removed: z.looseObject({ steps }),
  /** Checkpoints that were set aside, since they took a step that is passed over. */
  set_aside: z.looseObject({ steps }),
  /** All workers go back to a checkpoint. */
  rewind: z.looseObject({ from: step, to: step }),
} as const;

/** Kinds of versions whose lines have no checksum: any other is a damaged one. */
export const EARLIER_KINDS: readonly string[] = [
  "adapter",
  "card",
  "disagreement",
  "drift",
  "end",
  "failed",
  "guard",
  "membership",
  "not_saved",
  "recovered",
  "removed",
  "rewind",
  "save_waited",
  "saved",
  "settled",
  "skip",
  "spike",
  "stale",
  "start",
  "strike",
];
