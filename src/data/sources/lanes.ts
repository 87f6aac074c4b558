/**
 * A text in contiguous lanes, for truncated backpropagation through time (Williams and Peng 1990):
 * step n of a lane goes on where step n - 1 stopped, so that a recurrent state can be carried. Lane
 * l belongs to micro-batch floor(l / B), whoever computes it.
 */
import { Refusal } from "../../base/refusal.ts";
import { gather } from "../batch.ts";
import type { Batch, Source, SourceInput } from "../source.ts";

/** Tokens cut into lanes of equal length; a lane's last target is one token past its end. */
interface Lanes {
  readonly tokens: Uint32Array;
  /** Steps of `time` tokens in a lane. */
  readonly steps: number;
  /** Tokens from the start of one lane to the next. */
  readonly length: number;
}

/** `data.bptt` tokens of S x B lanes in each step; the state begins anew when a lane ends. */
export function laneSource(time: number, input: SourceInput): Source {
  const { microBatches, windows, evalWindows } = input;
  const lanes = microBatches * windows;
  const train = cut(input.train, { lanes, time, part: "training" });
  const validation = cut(input.validation, { lanes, time, part: "validation" });
  const limit = evalWindows === 0 ? Infinity : Math.max(1, Math.ceil(evalWindows / lanes));
  const evalSteps = Math.min(validation.steps, limit);
  const at = (from: Lanes, microBatch: number, step: number): Batch => {
    const starts = Array.from(
      { length: windows },
      (_, b) => (microBatch * windows + b) * from.length + step * time,
    );
    return { ...gather(from.tokens, starts, time), counted: windows * time, fresh: step === 0 };
  };
  return {
    train: ({ step, microBatch }) => at(train, microBatch, step % train.steps),
    sequences: microBatches,
    evaluation: (sequence) =>
      Array.from({ length: evalSteps }, (_, step) => at(validation, sequence, step)),
  };
}

/** Cuts tokens into lanes. @throws {Refusal} `data` when a lane has no room for a window. */
export function cut(
  tokens: Uint32Array,
  { lanes, time, part }: { lanes: number; time: number; part: string },
): Lanes {
  const length = Math.floor((tokens.length - 1) / lanes);
  if (length < time) {
    throw new Refusal(
      "data",
      `Cannot cut the ${part} text into ${lanes} lanes (micro_batches x windows): each needs ` +
        `data.bptt ${time} tokens and one more: ${tokens.length} tokens give ${
          Math.max(0, length)
        }`,
    );
  }
  return { tokens, length, steps: Math.floor(length / time) };
}
