/**
 * Splits a text into contiguous lanes for truncated backpropagation through time (Williams and Peng
 * 1990): step n of a lane continues after step n - 1, so that a recurrent state can be carried.
 * Lane l belongs to micro-batch floor(l / B), on any worker.
 */
import { once } from "../../base/once.ts";
import { UserError } from "../../base/user_error.ts";
import { gatherBatch } from "../batch.ts";
import type { Source, SourceInput, TokenBatch } from "../source.ts";
import type { Tokens } from "../tokens.ts";
import { laneEvaluation } from "./lane_evaluation.ts";
import { onlyText } from "./only_text.ts";

/** Tokens in lanes of equal length; a lane's last target is the token after its end. */
interface Lanes {
  readonly tokens: Tokens;
  /** Steps of `time` tokens in a lane. */
  readonly steps: number;
  /** Tokens between lane starts. */
  readonly length: number;
}

/** `data.bptt` tokens of S x B lanes per step; states reset when lanes wrap around. */
export function laneSource(
  { time, warm }: { readonly time: number; readonly warm: number },
  input: SourceInput,
): Source {
  const { microBatches, windows, evaluation } = input;
  const lanes = microBatches * windows;
  const text = onlyText(input);
  const train = once(() => splitLanes(text.train, { lanes, time, part: "training" }));
  const at = (from: Lanes, microBatch: number, step: number): TokenBatch => {
    const all = Array.from({ length: windows }, (_, b) => ({
      tokens: from.tokens,
      start: (microBatch * windows + b) * from.length + step * time,
    }));
    const tensors = gatherBatch(all, time);
    return { tensors, counted: windows * time, fresh: step === 0 };
  };
  const source: Omit<Source, "evaluation"> = {
    requireTraining: () => void train(),
    train: ({ step, microBatch }) => at(train(), microBatch, step % train().steps),
    sequences: microBatches,
  };
  if (evaluation.windows === 0 || !holdsLanes(text.validation, { lanes, time })) {
    const shape = { lanes, windows, time, warm };
    return {
      ...source,
      evaluation: (sequence) => laneEvaluation(text.validation, shape, sequence),
    };
  }
  const validation = splitLanes(text.validation, { lanes, time, part: "validation" });
  const limit = Math.max(1, Math.ceil(evaluation.windows / lanes));
  const evalSteps = Math.min(validation.steps, limit);
  return {
    ...source,
    evaluation: (sequence) =>
      Array.from({ length: evalSteps }, (_, step) => at(validation, sequence, step)),
  };
}

/** Whether each lane of a text has a full window. */
export function holdsLanes(
  { length }: Tokens,
  { lanes, time }: { readonly lanes: number; readonly time: number },
): boolean {
  return Math.floor((length - 1) / lanes) >= time;
}

/** Splits tokens into lanes. @throws {UserError} `data` when a lane is shorter than a window. */
export function splitLanes(
  tokens: Tokens,
  { lanes, time, part }: { lanes: number; time: number; part: string },
): Lanes {
  const length = Math.floor((tokens.length - 1) / lanes);
  if (!holdsLanes(tokens, { lanes, time })) {
    throw new UserError(
      "data",
      `Cannot cut the ${part} text into ${lanes} lanes (micro_batches x micro_batch_size): each ` +
        `needs data.bptt ${time} tokens and one more: ${tokens.length} tokens give ${
          Math.max(0, length)
        }`,
    );
  }
  return { tokens, length, steps: Math.floor(length / time) };
}
