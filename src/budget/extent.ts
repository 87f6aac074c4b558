/**
 * How much a run reads: tokens of a step and of all steps, epochs of its texts, and what does not
 * come out even. It knows lengths, no token.
 */
import { reachesMinimum } from "../config/schedule_end.ts";
import type { RunConfig } from "../config/schema.ts";
import { ROUND, shareOut } from "../data/mixture.ts";
import { sourceMakerOf, taskOf } from "../data/sources/mod.ts";
import { windowCount } from "../data/windows.ts";

/** A text as far as it is counted. */
export interface Length {
  readonly name: string;
  readonly weight: number;
  /** Tokens of its training part, or the numbers of its samples. */
  readonly tokens: number;
}

/** How often a run reads a text. */
export interface TextUse {
  readonly name: string;
  /** Tokens of its training part, or samples. */
  readonly tokens: number;
  /** Rounds through its windows, or through its lanes. */
  readonly epochs: number;
  /** Times that each token is read: windows that overlap read it more than once an epoch. */
  readonly passes: number;
}

/** How much a run reads. */
export interface RunExtent {
  readonly steps: number;
  /** T: tokens of a window. */
  readonly window: number;
  /** B T */
  readonly tokens_per_micro_batch: number;
  /** S B T */
  readonly tokens_per_step: number;
  /** Tokens of all steps. */
  readonly tokens: number;
  /** None for a source that makes its own tokens. */
  readonly texts: readonly TextUse[];
}

/** How much a run of `config` reads of its texts. */
export function runExtentOf(config: RunConfig, texts: readonly Length[]): RunExtent {
  const { steps, micro_batches, micro_batch_size, data } = config;
  const { time, carries } = taskOf(data, 1);
  const { samplesIn } = sourceMakerOf(data);
  const perMicroBatch = micro_batch_size * time;
  const perStep = micro_batches * perMicroBatch;
  const tokens = steps * perStep;
  const shares = texts.length < 2 ? [ROUND] : shareOut(texts.map(({ weight }) => weight), ROUND);
  return {
    steps,
    window: time,
    tokens_per_micro_batch: perMicroBatch,
    tokens_per_step: perStep,
    tokens,
    texts: texts.map(({ name, tokens: numbers }, i) => {
      const length = samplesIn?.(data, numbers) ?? numbers;
      const read = tokens * (shares[i] as number) / ROUND;
      const lanes = micro_batches * micro_batch_size;
      const round = carries
        ? lanes * Math.floor((length - 1) / lanes / time)
        : samplesIn !== undefined
        ? length
        : windowCount(length, time, data.stride ?? data.seq_len);
      return { name, tokens: length, epochs: read / time / round, passes: read / length };
    }),
  };
}

/** What does not come out even, and what that costs: sentences, none where all does. */
export function unevenOf(config: RunConfig): string[] {
  const { steps, workers, micro_batches, optim, checkpoint } = config;
  const facts: string[] = [];
  const share = Math.ceil(micro_batches / workers);
  if (micro_batches % workers !== 0) {
    const busy = Math.round(100 * micro_batches / (share * workers));
    facts.push(
      `${micro_batches} micro-batches on ${workers} workers: one has ${share}, so ${busy} % of ` +
        "their time is used",
    );
  }
  if (reachesMinimum(config) && optim.decay_steps !== steps) {
    facts.push(
      optim.decay_steps > steps
        ? `steps ${steps} end before optim.decay_steps ${optim.decay_steps}: the rate does not ` +
          "reach its minimum"
        : `optim.decay_steps ${optim.decay_steps} end before steps ${steps}: the rate stays at ` +
          "its minimum",
    );
  }
  if (optim.warmup_steps >= steps) {
    facts.push(
      `optim.warmup_steps ${optim.warmup_steps} is not below steps ${steps}: the rate only rises`,
    );
  }
  for (
    const [key, every] of [["eval.every", config.eval.every], [
      "checkpoint.every",
      checkpoint.every,
    ]] as const
  ) {
    if (every === 0 || steps % every === 0) continue;
    facts.push(`steps ${steps} are no multiple of ${key} ${every}: the last one comes early`);
  }
  return facts;
}

/** Steps of a run that reads at least `tokens`, and how many it then reads. */
export function stepsFor(
  tokens: number,
  { tokens_per_step }: Pick<RunExtent, "tokens_per_step">,
): { readonly steps: number; readonly tokens: number } {
  const steps = Math.max(1, Math.ceil(tokens / tokens_per_step));
  return { steps, tokens: steps * tokens_per_step };
}
