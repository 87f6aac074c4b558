/** The table of sources: a new one is a file of its own and a line here. */
import type { DataConfig } from "../schema.ts";
import type { Source, SourceInput, Task } from "../source.ts";
import { direction } from "./direction.ts";
import { documentSource } from "./documents.ts";
import { laneSource } from "./lanes.ts";
import type { SourceMaker } from "./maker.ts";
import { recall } from "./recall.ts";
import { truecase } from "./truecase.ts";
import { windowSource } from "./windows.ts";

/** The next token of a text: from shuffled windows, or in lanes when states are carried. */
const text: SourceMaker = {
  needsText: true,
  task({ bptt, seq_len: window, document_end, document_mask }, characters) {
    const time = bptt ?? window;
    return {
      time,
      vocabulary: characters,
      classes: characters,
      targetKind: "next",
      countedPerWindow: bptt === null || document_end === null ? time : undefined,
      carries: bptt !== null,
      documents: document_mask,
    };
  },
  make(config, input) {
    const { bptt, seq_len: window, document_end } = config;
    if (bptt === null) return windowSource(config, input);
    // What a state remembers of the text before it is worth a window to find out.
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
};

/** Whether workers must know the tokenizer of what a config names. */
export function needsTokenizer(config: DataConfig): boolean {
  return SOURCES[config.source].needsTokenizer ?? false;
}

/** Fewest tokens of a validation part of which anything is asked; 0 where no text is read. */
export function leastEvaluated(config: DataConfig): number {
  const { needsText, leastEvaluated: least = () => 2 } = SOURCES[config.source];
  return needsText ? least(config) : 0;
}

/** The source that a config names. */
export function sourceOf(config: DataConfig, input: SourceInput): Source {
  return SOURCES[config.source].make(config, input);
}

/** What is learnt; `characters` is the number of distinct tokens of the text. */
export function taskOf(config: DataConfig, characters: number): Task {
  return SOURCES[config.source].task(config, characters);
}
