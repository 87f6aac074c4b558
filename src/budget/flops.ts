/** FLOP of training per token by the formulas that people compare by, forward and backward together. */
import { denseFlops, type FlopCount, type FlopSizes } from "../models/definition.ts";
import { type ModelConfig, modelOf } from "../models/mod.ts";
import type { Counts } from "./counts.ts";

/** FLOP per token of a model with `counts`, by every formula for its kind; `6N` comes first. */
export function flopsPerToken(
  { all, matrices }: Pick<Counts, "all" | "matrices">,
  { model, time, task }: { readonly model: ModelConfig } & Pick<FlopSizes, "time" | "task">,
): readonly FlopCount[] {
  return modelOf(model).flops?.(model, { all, matrices, time, task }) ?? [denseFlops(all)];
}
