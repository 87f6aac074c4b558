/**
 * Rejects config keys on the command line that would have no effect. Only keys that the user gave
 * are checked, since a complete config has every key. Other keys without an effect get a notice.
 */
import { UserError } from "../base/user_error.ts";
import { slidesOf, sourceMakerOf, taskOf } from "../data/sources/mod.ts";
import { modelOf } from "../models/mod.ts";
import { reachesMinimum } from "./schedule_end.ts";
import type { RunConfig } from "./schema.ts";

/** The condition under which keys have no effect. */
interface Rule {
  readonly keys: readonly string[];
  readonly isUnused: (config: RunConfig) => boolean;
  /** What the keys need to have an effect. */
  readonly need: string;
}

const RULES: readonly Rule[] = [
  {
    keys: ["data.path"],
    isUnused: ({ data }) => {
      const { needsText, needsImages = false } = sourceMakerOf(data);
      return !needsText && !needsImages;
    },
    need: "a source that reads files (data.source)",
  },
  {
    keys: [
      "data.mix",
      "data.tokenizer",
      "data.seq_len",
      "data.stride",
      "data.validation",
    ],
    isUnused: ({ data }) => !sourceMakerOf(data).needsText,
    need: "a source that reads a text (data.source)",
  },
  {
    keys: ["data.gap", "data.names", "data.fillers"],
    isUnused: ({ data }) => data.source !== "recall",
    need: "data.source=recall",
  },
  {
    keys: ["data.mask_share"],
    isUnused: ({ data }) => data.source !== "masked",
    need: "data.source=masked",
  },
  {
    keys: ["data.image_height", "data.image_width", "data.image_classes"],
    isUnused: ({ data }) => data.source !== "images",
    need: "data.source=images",
  },
  {
    keys: ["data.stride"],
    isUnused: ({ data }) => taskOf(data, 0).carries,
    need: "shuffled windows, not lanes (data.bptt)",
  },
  {
    keys: ["eval.stride"],
    isUnused: ({ data }) => !slidesOf(data),
    need: "windows that slide: data.source text or truecase without data.bptt",
  },
  {
    keys: ["optim.decay_share"],
    isUnused: ({ optim }) => optim.schedule !== "wsd",
    need: "optim.schedule=wsd",
  },
  {
    keys: ["optim.min_lr", "optim.decay_steps"],
    isUnused: (config) => !reachesMinimum(config),
    need: "an optim.schedule with an end",
  },
];

/** @throws {UserError} `config`, for the first of the `given` keys that has no effect. */
export function requireUsed(config: RunConfig, given: readonly string[]): void {
  const { model } = config;
  const own = (modelOf(model).unused?.(model) ?? []).map(([key, need]): Rule => ({
    keys: [`model.${key}`],
    isUnused: () => true,
    need,
  }));
  for (const { keys, isUnused, need } of [...RULES, ...own]) {
    const key = given.find((path) => keys.includes(path));
    if (key === undefined || !isUnused(config)) continue;
    throw new UserError("config", `Cannot take --${key}: need ${need}: it would have no effect`);
  }
}

/** Sentences on keys of the model that have no effect beside the other parts of a config. */
export function modelNotices(
  { model, data }: Pick<RunConfig, "model" | "data">,
): readonly string[] {
  // Vocabulary size 0: the length of a window does not depend on it.
  return modelOf(model).notices?.(model, taskOf(data, 0).time) ?? [];
}
