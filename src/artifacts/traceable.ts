/**
 * Traces every plan of a run before its workers start, so that a fault of a config or of a module is
 * one line. Modules of the user are traced in a child process first, where they cannot block this one.
 */
import { cannot, type UserCall } from "../base/user_calls.ts";
import { thrownLine } from "../base/text/thrown.ts";
import { UserError } from "../base/user_error.ts";
import type { RunConfig } from "../config/schema.ts";
import { checkUserPlans } from "../config/user/check_plans.ts";
import { taskOf } from "../data/sources/mod.ts";
import { decodePlan } from "../engine/decode_plan.ts";
import { largestChunk } from "../engine/decode_window.ts";
import { evaluationPlan, gradientPlan, reachPlan, shapeOf } from "../engine/plans.ts";
import type { ReplicaLayout } from "../engine/plans.ts";
import { inspectPlan, updatePlan } from "../engine/vector_plans.ts";
import { canGenerate } from "../models/mod.ts";
import type { CheckOptions } from "../modules/check_module.ts";
import { optimizerOf } from "../optim/mod.ts";

/**
 * Requires all plans of a run to be traceable: those with modules of the user in a child process
 * before this one.
 * @throws {UserError} `config` for what cannot be traced, or does not end in time.
 */
export async function requireTraceable(
  config: RunConfig,
  vocabulary: number,
  options: CheckOptions = {},
): Promise<void> {
  await checkUserPlans(config, vocabulary, options);
  requirePlans(config, vocabulary);
}

/**
 * Traces and compiles all plans of a config with a vocabulary: gradient, gradient check, update,
 * evaluation, reach of the gradient, and decoding where the model generates. Pure.
 * @throws {UserError} `config` for what cannot be traced.
 */
export function requirePlans(config: RunConfig, vocabulary: number): void {
  const { model, optim, data, report } = config;
  const ofModel = <T>(what: string, work: () => T): T =>
    traced({ doing: `trace ${what} of model ${model.kind}`, ...moduleOf(model) }, work);
  const ofOptimizer = (what: string, work: () => unknown) =>
    traced({ doing: `${what} of optimizer ${optim.kind}`, ...moduleOf(optim) }, work);
  const shape = ofModel("the loss", () => sound(shapeOf(config, vocabulary)));
  const { layout } = shape;
  ofModel("the gradient", () => gradientPlan(config, vocabulary, layout));
  ofModel("the evaluation", () => evaluationPlan(config, vocabulary, layout));
  if (report.gradient_reach) {
    ofModel("the reach", () => reachPlan(config, vocabulary, layout));
  }
  const task = taskOf(data, vocabulary);
  const { time, targetKind, classes } = task;
  if (targetKind === "next_token" && classes === task.vocabulary && canGenerate(model)) {
    const decoded = { model, vocabulary: task.vocabulary, context: time };
    for (const count of new Set([1, largestChunk(time)])) {
      ofModel("the logits", () => decodePlan(decoded, { rows: 1, count, layout, prefix: "" }));
    }
  }
  ofOptimizer("trace the update", () => [inspectPlan(layout), updatePlan(config, layout)]);
  for (const step of [0, config.steps - 1]) {
    ofOptimizer("call scalarsAt", () => optimizerOf(optim).scalarsAt(step, optim));
  }
}

/** A section of a config that a module may define. */
interface Section {
  readonly module?: string;
}

function moduleOf(section: object): { readonly module: string | undefined } {
  return { module: (section as Section).module };
}

/** @throws {RangeError} for a model without parameters. */
function sound(shape: ReplicaLayout): ReplicaLayout {
  if (shape.params.length > 0) return shape;
  throw new RangeError("need at least one parameter: it declares none");
}

/** The result of a trace; its faults name what is traced, and the module. */
function traced<T>(
  { doing, module }: Pick<UserCall, "doing"> & { readonly module: string | undefined },
  work: () => T,
): T {
  try {
    return work();
  } catch (error) {
    // In code of Shoal's own, anything but a shape that does not fit is a bug.
    const isFault = module !== undefined || error instanceof RangeError;
    if (error instanceof UserError || !isFault) throw error;
    const what = module === undefined ? `Cannot ${doing}` : cannot({ doing, module });
    throw new UserError("config", `${what}: ${thrownLine(error)}`);
  }
}
