/** Computes the size of a trial: traces its model and compiles its plans, and runs nothing. */
import { countsOf } from "../../budget/counts.ts";
import { runExtentOf } from "../../budget/extent.ts";
import { faultsOf, type Limits } from "../../budget/fit.ts";
import { memoryOf } from "../../budget/memory.ts";
import type { RunConfig } from "../../config/schema.ts";
import type { Size } from "../../sweep/types.ts";
import { holdingsOf } from "../../engine/holdings.ts";
import { shapeOf } from "../../engine/plans.ts";
import { idleParams } from "../../models/mod.ts";

/** How large a trial is, and what of it is beyond some limits; default: no limits. */
export function measureSizes(
  config: RunConfig,
  vocabulary: number,
  limits: Limits = { workers: 1 },
): Size {
  const memory = memoryOf(holdingsOf(config, vocabulary));
  return {
    counts: countsOf(shapeOf(config, vocabulary).params, config.model),
    idle: idleParams(config.model),
    tokensPerStep: runExtentOf(config, []).tokens_per_step,
    bytes: memory.total,
    faults: faultsOf(memory, limits),
  };
}
