/** The registry of sources: a new one is a file of its own and a line here. */
import type { DataConfig } from "../schema.ts";
import type { Source, SourceInput, Task } from "../source.ts";
import { direction } from "./direction.ts";
import { tokenTensors } from "../token_tensors.ts";
import { userSource } from "./define.ts";
import { documentSource } from "./documents.ts";
import { laneSource } from "./lanes.ts";
import { imageSource } from "./images.ts";
import type { SourceMaker } from "./maker.ts";
import { maskedText } from "./masked.ts";
import { pairs } from "./pairs.ts";
import { recall } from "./recall.ts";
import { truecase } from "./truecase.ts";
import { windowSource } from "./windows.ts";

/** Next-token prediction: shuffled windows, or lanes with carried states. */
const text: SourceMaker = {
  needsText: true,
  slides: true,
  task({ bptt, seq_len: window, document_end, document_mask }, vocabulary) {
    const time = bptt ?? window;
    return {
      time,
      vocabulary,
      classes: vocabulary,
      targetKind: "next_token",
      tensors: tokenTensors({ time, targetKind: "next_token", documents: document_mask }),
      countedPerWindow: bptt === null || document_end === null ? time : undefined,
      carries: bptt !== null,
    };
  },
  make(config, input) {
    const { bptt, seq_len: window, document_end } = config;
    if (bptt === null) return windowSource(config, input);
    // Evaluation lanes warm up their state over one window.
    const lanes = { time: bptt, warm: window };
    return document_end === null ? laneSource(lanes, input) : documentSource(lanes, input);
  },
};

/** Every source by its name. */
export const SOURCES: Readonly<Record<DataConfig["source"], SourceMaker>> = {
  text,
  recall,
  truecase,
  direction,
  masked: maskedText,
  pairs,
  images: imageSource,
};

/** What a config's source is: one of Shoal's own, or of a module of the user. */
export function sourceMakerOf(config: Pick<DataConfig, "source">): SourceMaker {
  const { source, sha256 } = config as typeof config & { readonly sha256?: string };
  // A definition of the user takes the config by its own schema, which TypeScript cannot see here.
  return userSource(sha256) as SourceMaker | undefined ?? SOURCES[source];
}

/** Whether windows of an evaluation may overlap: not those of lanes. */
export function slidesOf(config: DataConfig): boolean {
  return config.bptt === null && sourceMakerOf(config).slides === true;
}

/** Whether the source of a config needs the tokenizer in workers. */
export function needsTokenizer(config: DataConfig): boolean {
  return sourceMakerOf(config).needsTokenizer ?? false;
}

/** Minimum tokens of a validation text with any target; 0 without text. */
export function leastEvaluated(config: DataConfig): number {
  const { needsText, leastEvaluated: least = () => 2 } = sourceMakerOf(config);
  return needsText ? least(config) : 0;
}

/** The source that a config names. */
export function sourceOf(config: DataConfig, input: SourceInput): Source {
  return sourceMakerOf(config).make(config, input);
}

/** The task of a config; `vocabulary`: distinct tokens of the text. */
export function taskOf(config: DataConfig, vocabulary: number): Task {
  return sourceMakerOf(config).task(config, vocabulary);
}
