/** Schemas of the journal entries that a resume depends on; of the others only the kinds. */
import * as z from "zod";

const step = z.int().min(0);
const steps = z.array(step);

/** By kind. Entries may have more keys than are read. */
export const entrySchemas = {
  /** A process begins: its first and last step, and the hash of the config that it stores. */
  start: z.looseObject({ from: step, steps: step, config: z.string().optional() }),
  /** Steps to skip, as decided at a step. */
  skip: z.looseObject({ step, skips: steps.min(1) }),
  /** A checkpoint was published. */
  saved: z.looseObject({ step }),
  /** Checkpoints that retention removed. */
  removed: z.looseObject({ steps }),
  /** Checkpoints that were set aside because they contain a skipped step. */
  set_aside: z.looseObject({ steps }),
  /** All workers rewind to a checkpoint. */
  rewind: z.looseObject({ from: step, to: step }),
} as const;

/** Kinds in versions whose lines have no checksums: any other kind means damage. */
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
