/**
 * The plans of a replica that compute its model: gradient, evaluation, gradient reach; and the
 * layout of the parameters. Pure.
 */
import { pointwise } from "../../kernels/pointwise/mod.ts";
import { DH, recurrenceBackwardOp } from "../../kernels/recurrence/mod.ts";
import type { RecurrenceBackwardAttrs } from "../../kernels/recurrence/mod.ts";
import { rowNorms } from "../../kernels/reduce/mod.ts";
import { groupedParams } from "../config/param_groups.ts";
import type { RunConfig } from "../config/schema.ts";
import type { Task } from "../data/source.ts";
import { taskOf } from "../data/sources/mod.ts";
import { formula } from "../graph/formula.ts";
import type { Expr } from "../graph/formula.ts";
import { newTrace } from "../graph/trace.ts";
import type { Graph, Tensor, Trace } from "../graph/types.ts";
import { logitsOf } from "../models/mod.ts";
import { PRODUCT, scaleFormula } from "../nn/formulas.ts";
import { newScope } from "../nn/scope.ts";
import type { Carry, Param } from "../nn/scope.ts";
import type { Direction } from "../report/events.ts";
import { compile } from "../plan/compile.ts";
import type { Placement } from "../plan/compile.ts";
import { expand } from "../plan/expand.ts";
import { addressIn, bucketSlot, layOut, LOSS, vectorBuckets } from "../plan/layout.ts";
import type { Layout } from "../plan/layout.ts";
import type { Plan } from "../plan/types.ts";
import { differentiate, evaluateLoss } from "./loss.ts";
import type { LossOptions } from "./loss.ts";

/** A model traced to its loss, with the parameters that it declares. */
export interface Traced {
  readonly graph: Graph;
  readonly params: readonly Param[];
}

/** A model's parameters, their layout, and its carried states. */
export interface ReplicaLayout {
  readonly params: readonly Param[];
  readonly layout: Layout;
  readonly carries: readonly Carry[];
}

/** Prefix of the slots of carried states for the next batch. */
export const CARRIED = "carried/";
/** Result slots of an evaluation batch: sum of the losses, correct predictions. */
export const EVAL_SUMS = { loss: "eval_loss", correct: "eval_correct" } as const;
/** Slot of 1 / (number of targets of a step), for tasks in which steps differ in that. */
export const SHARE = "share";
/** Slots of the gradient norms by distance, per direction. */
export const REACH = { forward: "reach", backward: "reach_backward" } as const;

/**
 * Slot of the segment starts: the first token that each token attends to, for tasks with documents.
 */
export const STARTS = "starts";

const GRAD = "grad:";
const COPY = formula(1, (x) => x as Expr);

function build(
  config: RunConfig,
  options: { vocabulary: number; training: boolean; rows: number },
) {
  const trace = newTrace();
  const { scope, params, carries } = newScope(trace, options);
  const task = taskOf(config.data, options.vocabulary);
  const shape = [options.rows, task.time];
  const inputs = trace.source({ shape, dtype: "u32" }, "batch", "inputs");
  const input = {
    ...task,
    inputs,
    perSequence: task.targetKind === "sequence_class",
    ...task.documents && { starts: trace.source({ shape, dtype: "u32" }, "batch", STARTS) },
  };
  const logits = logitsOf(config.model)(scope, input, config.model);
  return { trace, params, carries, task, logits };
}

/** A model's logits of a batch, and their targets. */
function buildWithTargets(config: RunConfig, options: { vocabulary: number; training: boolean }) {
  const built = build(config, { ...options, rows: config.micro_batch_size });
  const { trace, logits } = built;
  const shape = logits.shape.slice(0, -1);
  const targets = trace.source({ shape, dtype: "u32" }, "batch", "targets");
  return { ...built, targets };
}

/** The states carried to the next batch, by the names of their slots. */
function carriedOf(carries: readonly Carry[]): Record<string, Tensor> {
  return Object.fromEntries(carries.map(({ name, next }) => {
    if (next === undefined) {
      throw new RangeError(`Cannot carry ${name}: the model does not keep it`);
    }
    return [CARRIED + name, next];
  }));
}

function finish({ trace }: { trace: Tensor["trace"] }, results: Graph["results"]): Graph {
  return { calls: trace.calls, constants: trace.constants, results };
}

/**
 * A micro-batch's share of the step's mean loss, and its gradient. Shares are normalised by the
 * number of targets of the whole step, so that their sum over micro-batches is the mean.
 */
export function traceGradient(
  config: RunConfig,
  vocabulary: number,
  options: LossOptions = {},
): Traced {
  const built = buildWithTargets(config, { vocabulary, training: true });
  const trained = groupedParams(built.params, config).filter(({ frozen }) => !frozen);
  const { loss, flows } = differentiate(built, {
    ...options,
    share: shareOf(built.trace, config, built.task),
    wanted: trained.map((p) => p.tensor),
  });
  const results: Record<string, Tensor> = { [LOSS]: loss, ...carriedOf(built.carries) };
  // A call must not both read and write the gradient vector, so a tensor that is read again, or is
  // the gradient of several parameters, is copied there.
  const read = new Set(expand(built.trace.calls).flatMap((call) => call.inputs));
  trained.forEach(({ name }, i) => {
    const flow = flows[i];
    if (flow === undefined) throw new RangeError(`Cannot train ${name}: the loss ignores it`);
    const shared = read.has(flow) || flows.indexOf(flow) !== flows.lastIndexOf(flow);
    results[GRAD + name] = shared ? pointwise(COPY, [flow]) : flow;
  });
  return { graph: finish(built, results), params: built.params };
}

/** Divides by the number of targets of the whole step, a constant or a value per step. */
function shareOf(
  trace: Trace,
  config: RunConfig,
  { countedPerWindow }: Task,
): (total: Tensor) => Tensor {
  if (countedPerWindow === undefined) {
    let share: Tensor | undefined;
    return (total) => {
      share ??= trace.source({ shape: [1], dtype: "f32" }, "scalar", SHARE);
      return pointwise(PRODUCT, [total, share]);
    };
  }
  const counted = config.micro_batches * config.micro_batch_size * countedPerWindow;
  return (total) => pointwise(scaleFormula(1 / counted), [total]);
}

/**
 * The parameters of a model, and their layout. @throws {UserError} `config` when its groups do not
 * fit the parameters.
 */
export function shapeOf(config: RunConfig, vocabulary: number): ReplicaLayout {
  const { params, carries } = build(config, {
    vocabulary,
    training: true,
    rows: config.micro_batch_size,
  });
  return { params, layout: layOut(groupedParams(params, config)), carries };
}

/** Slot sizes of a vector, by slot name. */
export function sizesOf(layout: Layout, vector: string): Record<string, number> {
  return Object.fromEntries(
    vectorBuckets(layout, vector).map(({ bucket, length }) => [bucketSlot(vector, bucket), length]),
  );
}

function placing(layout: Layout): Placement {
  return {
    source: (t) => t.role === "param" ? addressIn(layout, "param", t.name as string) : undefined,
    result: (name) => {
      if (name === LOSS) return addressIn(layout, "grad", LOSS);
      return name.startsWith(GRAD) ? addressIn(layout, "grad", name.slice(GRAD.length)) : undefined;
    },
    sizes: { ...sizesOf(layout, "param"), ...sizesOf(layout, "grad") },
  };
}

/** Gradient and loss of one micro-batch, written to the gradient vector. */
export function gradientPlan(config: RunConfig, vocabulary: number, layout: Layout): Plan {
  return compile(traceGradient(config, vocabulary).graph, placing(layout));
}

/** Evaluation of one batch without dropout: sum of losses, correct predictions, carried states. */
export function evaluationPlan(config: RunConfig, vocabulary: number, layout: Layout): Plan {
  return compile(traceEvaluation(config, vocabulary).graph, placing(layout));
}

/** The computation behind {@linkcode evaluationPlan}. */
export function traceEvaluation(
  config: RunConfig,
  vocabulary: number,
  options: LossOptions = {},
): Traced {
  const built = buildWithTargets(config, { vocabulary, training: false });
  const { loss, correct } = evaluateLoss(built, options);
  const results = {
    [EVAL_SUMS.loss]: loss,
    [EVAL_SUMS.correct]: correct,
    ...carriedOf(built.carries),
  };
  return { graph: finish(built, results), params: built.params };
}

/**
 * Norms [B, T + 1] of the gradient with respect to the last recurrent layer's h before and after
 * each step, in a slot of {@linkcode REACH} per direction. @throws {RangeError} for a model without
 * a recurrence.
 */
export function reachPlan(config: RunConfig, vocabulary: number, layout: Layout): Plan {
  const built = buildWithTargets(config, { vocabulary, training: false });
  differentiate(built, { share: (total) => total, wanted: built.params.map((p) => p.tensor) });
  const results: Record<string, Tensor> = {};
  // Backward calls start with the last layer: take the first one of each direction.
  for (const { op, outputs, attrs } of Array.from(built.trace.calls)) {
    const dh = outputs[DH];
    if (op !== recurrenceBackwardOp || dh === undefined) continue;
    const { reverse = false } = attrs as RecurrenceBackwardAttrs;
    results[reverse ? REACH.backward : REACH.forward] ??= rowNorms(dh);
  }
  if (results[REACH.forward] === undefined) {
    throw new RangeError("Cannot tell the gradient's reach: no recurrence");
  }
  return compile(finish(built, results), placing(layout));
}

/** The directions of a recurrent model; none for other models. */
export function directionsOf({ model }: Pick<RunConfig, "model">): readonly Direction[] {
  if (model.kind !== "recurrent") return [];
  return model.bidirectional ? ["forward", "backward"] : ["forward"];
}
