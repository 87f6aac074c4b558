/**
 * Inference besides training: evaluation losses, gradient norms by distance, samples. Each plan is
 * loaded when first needed. Parameters are only read.
 */
import { fold, type Key } from "../base/random.ts";
import type { RunConfig } from "../config/schema.ts";
import type { Source, TokenBatch } from "../data/source.ts";
import { taskOf } from "../data/sources/mod.ts";
import type { Device, Program } from "../device/types.ts";
import type { Layout } from "../plan/layout.ts";
import type { Plan } from "../plan/types.ts";
import type { Reach } from "../report/events.ts";
import { Decoder } from "./decoder.ts";
import { evaluateShare, firstSums } from "./evaluation.ts";
import type { Evaluator, SequenceLoss } from "./evaluation.ts";
import type { BatchUpload } from "./batch_upload.ts";
import { directionsOf, evaluationPlan, reachPlan } from "./plans.ts";
import { fullest, measureReach, unpackReach } from "./reach.ts";
import { type SampleOptions, sampleTokens } from "./sampling.ts";

/** What inference needs. */
export interface InferenceParts {
  readonly device: Device;
  readonly config: RunConfig;
  readonly vocabulary: number;
  readonly layout: Layout;
  /** Names of the loss terms. */
  readonly terms: readonly string[];
  readonly source: Source;
  /** Key of samples. */
  readonly key: Key;
}

/** Options of a sample, and its number. */
export type NumberedSample = SampleOptions & {
  /** Finished steps, and the number of the prompt; they determine the random key. */
  readonly at: readonly [number, number];
};

/** Runs inference with the current parameters. */
export class Inference {
  readonly #upload: BatchUpload;
  readonly #parts: InferenceParts;
  #evaluation: Program | undefined;
  #reach: Program | undefined;
  #decoder: Decoder | undefined;

  constructor(upload: BatchUpload, parts: InferenceParts) {
    this.#upload = upload;
    this.#parts = parts;
  }

  /** Loads the plan of an evaluation. */
  async open(): Promise<void> {
    this.#evaluation ??= await this.#load(evaluationPlan);
  }

  /** The sums of the first evaluation batch; empty if there is none. */
  async probe(): Promise<number[]> {
    return await firstSums(await this.#evaluator());
  }

  /** Losses of a share of the evaluation sequences; see evaluateShare(). */
  async evaluate(share: Parameters<typeof evaluateShare>[1]): Promise<SequenceLoss[]> {
    return await evaluateShare(await this.#evaluator(), share);
  }

  async #evaluator(): Promise<Evaluator> {
    const program = this.#evaluation ??= await this.#load(evaluationPlan);
    const { source, terms } = this.#parts;
    return { upload: this.#upload, source, program, terms };
  }

  /** Gradient norms by distance and direction in a batch of the first evaluation sequence. */
  async reach(): Promise<Reach[]> {
    const { config, vocabulary, source } = this.#parts;
    const program = this.#reach ??= await this.#load(reachPlan);
    const task = taskOf(config.data, vocabulary);
    const batch = source.sequences === 0 ? undefined : fullest(tokenBatches(source), task);
    const directions = directionsOf(config);
    if (batch === undefined) return unpackReach(new Float32Array(), directions);
    return await measureReach({ upload: this.#upload, program }, batch, { ...task, directions });
  }

  /** Samples a continuation of `prompt`; see sampleTokens(). */
  async sample(
    prompt: readonly number[],
    { at: [step, number], ...options }: NumberedSample,
  ): Promise<number[]> {
    const { device, config, vocabulary, layout, key } = this.#parts;
    const decoder = this.#decoder ??= await Decoder.open(device, {
      memory: this.#upload.memory,
      layout,
      model: config.model,
      vocabulary,
      context: taskOf(config.data, vocabulary).time,
      rows: 1,
    });
    return await sampleTokens({ decoder, key: fold(fold(key, step), number) }, prompt, options);
  }

  #load(make: (config: RunConfig, vocabulary: number, layout: Layout) => Plan): Promise<Program> {
    const { device, config, vocabulary, layout } = this.#parts;
    return device.load(make(config, vocabulary, layout), this.#upload.memory);
  }
}

/** The batches of the first evaluation sequence: models with a reach read tokens alone. */
function tokenBatches(source: Source): Iterable<TokenBatch> {
  return source.evaluation(0) as Iterable<TokenBatch>;
}
