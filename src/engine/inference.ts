/**
 * What a model is asked besides training: its losses on evaluation data, how far its gradient
 * reaches, samples. Each plan is loaded when it is first needed. It writes no parameter.
 */
import { fold, type Key } from "../base/random.ts";
import type { RunConfig } from "../config/schema.ts";
import type { Source } from "../data/source.ts";
import { taskOf } from "../data/sources/mod.ts";
import type { Device, Program } from "../device/types.ts";
import type { Layout } from "../plan/layout.ts";
import type { Plan } from "../plan/types.ts";
import type { Reach } from "../report/events.ts";
import { Decoder } from "./decoder.ts";
import { evaluateShare, firstLoss } from "./evaluation.ts";
import type { SequenceLoss } from "./evaluation.ts";
import type { BatchUpload } from "./batch_upload.ts";
import { directionsOf, evaluationPlan, reachPlan } from "./plans.ts";
import { fullest, measureReach, unpackReach } from "./reach.ts";
import { type SampleOptions, sampleTokens } from "./sampling.ts";

/** What questions are asked of. */
export interface InferenceParts {
  readonly device: Device;
  readonly config: RunConfig;
  readonly vocabulary: number;
  readonly layout: Layout;
  readonly source: Source;
  /** Key of samples. */
  readonly key: Key;
}

/** What a sample is drawn by. */
export type NumberedSample = SampleOptions & {
  /** Finished steps, and the number of the prompt. */
  readonly at: readonly [number, number];
};

/** Answers questions from the parameters as they are. */
export class Inference {
  readonly #feed: BatchUpload;
  readonly #parts: InferenceParts;
  #evaluation: Program | undefined;
  #reach: Program | undefined;
  #decoder: Decoder | undefined;

  constructor(feed: BatchUpload, parts: InferenceParts) {
    this.#feed = feed;
    this.#parts = parts;
  }

  /** Loads the plan of an evaluation. */
  async open(): Promise<void> {
    this.#evaluation ??= await this.#load(evaluationPlan);
  }

  /** Loss of the first evaluation batch, and how many of its targets were met; empty where none is. */
  async probe(): Promise<number[]> {
    const program = this.#evaluation ??= await this.#load(evaluationPlan);
    const { source } = this.#parts;
    return await firstLoss({ feed: this.#feed, source, program });
  }

  /** Losses of a share of the evaluation sequences, as evaluateShare() deals them out. */
  async evaluate(share: Parameters<typeof evaluateShare>[1]): Promise<SequenceLoss[]> {
    const program = this.#evaluation ??= await this.#load(evaluationPlan);
    const { source } = this.#parts;
    return await evaluateShare({ feed: this.#feed, source, program }, share);
  }

  /** How far the gradient reaches in a batch of the first evaluation sequence, by direction. */
  async reach(): Promise<Reach[]> {
    const { config, vocabulary, source } = this.#parts;
    const program = this.#reach ??= await this.#load(reachPlan);
    const task = taskOf(config.data, vocabulary);
    const batch = source.sequences === 0 ? undefined : fullest(source.evaluation(0), task);
    const directions = directionsOf(config);
    if (batch === undefined) return unpackReach(new Float32Array(), directions);
    return await measureReach({ feed: this.#feed, program }, batch, { ...task, directions });
  }

  /** Continues `prompt`, as sampleTokens() does. */
  async sample(
    prompt: readonly number[],
    { at: [step, number], ...options }: NumberedSample,
  ): Promise<number[]> {
    const { device, config, vocabulary, layout, key } = this.#parts;
    const decoder = this.#decoder ??= await Decoder.open(device, {
      memory: this.#feed.memory,
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
    return device.load(make(config, vocabulary, layout), this.#feed.memory);
  }
}
