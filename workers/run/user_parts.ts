/** Checks the model and the optimizer of a user before workers start. */
import type { RunConfig } from "../../src/config/schema.ts";
import { requireGeneration } from "../../src/engine/decodable/before_training.ts";
import { shapeOf } from "../../src/engine/plans.ts";
import { updatePlan } from "../../src/engine/vector_plans.ts";
import { isUserOptimizer, optimizerOf } from "../../src/optim/mod.ts";

/**
 * Calls what an optimizer of the user gives, for the first and the last step, and decodes with a model
 * of the user that generates. `vocabulary`: that of the text.
 * @throws {UserError} `config` naming the part, what it has to give and what it gave.
 */
export async function requireUserParts(config: RunConfig, vocabulary: number): Promise<void> {
  const { optim, steps } = config;
  if (isUserOptimizer(optim)) {
    const optimizer = optimizerOf(optim);
    for (const step of [0, steps - 1]) optimizer.scalarsAt(step, optim);
    updatePlan(config, shapeOf(config, vocabulary).layout);
  }
  await requireGeneration(config, vocabulary);
}
