/**
 * The plans of a replica that compute its model: gradient, evaluation, gradient reach; and the
 * layout of the parameters. Pure.
 */
import { pointwise } from "../../kernels/pointwise/mod.ts";
import { DH, recurrenceBackwardOp } from "../../kernels/recurrence/mod.ts";
import type { RecurrenceBackwardAttrs } from "../../kernels/recurrence/mod.ts";
import { rowNorms } from "../../kernels/reduce/mod.ts";
import { type Shape, sizeOf } from "../base/shape.ts";
import { groupedParams } from "../config/param_groups.ts";
import type { RunConfig } from "../config/schema.ts";
import type { Task } from "../data/source.ts";
import { taskOf } from "../data/sources/mod.ts";
import { dependenciesOf } from "../graph/dependencies.ts";
import { formula } from "../graph/formula.ts";
import type { Expr } from "../graph/formula.ts";
import { newTrace } from "../graph/trace.ts";
import type { Graph, Tensor, Trace } from "../graph/types.ts";
import { modelOf } from "../models/mod.ts";
import { PRODUCT, scaleFormula } from "../nn/formulas.ts";
import { newScope } from "../nn/scope.ts";
import type { Carry, Param } from "../nn/scope.ts";
import type { LossTerms, Term } from "../nn/terms.ts";
import type { Direction } from "../report/events.ts";
import { compile } from "../plan/compile.ts";
import type { Placement } from "../plan/compile.ts";
import { addressIn, bucketSlot, layOut, LOSS, sumAddress, vectorBuckets } from "../plan/layout.ts";
import { expand } from "../plan/expand.ts";
import type { Layout } from "../plan/layout.ts";
import type { Plan } from "../plan/types.ts";
import { differentiate, evaluateTerms, trainedOf } from "./loss.ts";
import type { LossOptions } from "./loss.ts";

/** A model traced to its loss, with the parameters that it declares. */
export interface Traced {
  readonly graph: Graph;
  readonly params: readonly Param[];
}

/** A term of the loss, without its tensors. */
export interface TermInfo extends Pick<Term, "per" | "weight" | "auxiliary"> {
  readonly name: string;
}

/** A model's parameters, their layout, its carried states, and the terms of its loss. */
export interface ReplicaLayout {
  readonly params: readonly Param[];
  readonly layout: Layout;
  readonly carries: readonly Carry[];
  readonly terms: readonly TermInfo[];
}

/** Prefix of the slots of carried states for the next batch. */
export const CARRIED = "carried/";
/** Prefix of the result slots of an evaluation batch: the sum of each term. */
export const EVALUATED = "eval/";
/** Slot of 1 / (number of targets of a step), for tasks in which steps differ in that. */
export const SHARE = "share";
/** Slots of the gradient norms by distance, per direction. */
export const REACH = { forward: "reach", backward: "reach_backward" } as const;

const GRAD = "grad:";
/** Prefix of a term among the sums of a layout. */
const TERM = "term:";
const COPY = formula(1, (x) => x as Expr);

/** Traces the terms of a model's loss over one batch. */
function build(config: RunConfig, options: { vocabulary: number; training: boolean }) {
  const trace = newTrace();
  const { scope, params, carries } = newScope(trace, options);
  const task = taskOf(config.data, options.vocabulary);
  const batch = Object.fromEntries(
    Object.entries(task.tensors).map(([name, { shape, dtype }]) => [
      name,
      trace.source({ shape: [config.micro_batch_size, ...shape], dtype }, "batch", name),
    ]),
  );
  const terms = modelOf(config.model).loss(scope, batch, config.model, task);
  return { trace, params, carries, task, terms };
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
  const built = build(config, { vocabulary, training: true });
  const trained = groupedParams(built.params, config).filter(({ frozen }) => !frozen);
  const { loss, shares, flows } = differentiate(built.terms, {
    ...options,
    trace: built.trace,
    share: shareOf(built.trace, config, built.task),
    wanted: trained.map((p) => p.tensor),
  });
  const results: Record<string, Tensor> = { [LOSS]: loss, ...carriedOf(built.carries) };
  for (const name of sumsOf(built.terms).slice(1)) {
    // The loss reads the shares, and a call must not both read and write the gradient vector.
    results[name] = pointwise(COPY, [shares[name.slice(TERM.length)] as Tensor]);
  }
  // A call must not both read and write the gradient vector, so a tensor that is read again, or is
  // the gradient of several parameters, is copied there.
  const read = new Set(expand(built.trace.calls).flatMap((call) => call.inputs));
  const used = flows.includes(undefined) ? dependenciesOf(loss) : undefined;
  trained.forEach(({ name, shape, tensor }, i) => {
    // The derivative of what the loss reads may be zero, as behind a factor of 0.
    const isZero = flows[i] === undefined && used?.has(tensor);
    const flow = isZero ? zeros(built.trace, shape) : flows[i];
    if (flow === undefined) throw new RangeError(`Cannot train ${name}: the loss ignores it`);
    const shared = isZero || read.has(flow) || flows.indexOf(flow) !== flows.lastIndexOf(flow);
    results[GRAD + name] = shared ? pointwise(COPY, [flow]) : flow;
  });
  return { graph: finish(built, results), params: built.params };
}

function zeros(trace: Trace, shape: Shape): Tensor {
  return trace.constant(shape, new Float32Array(sizeOf(shape)));
}

/**
 * Divides a sum by its count over the whole step: the micro-batches, or the targets, which are a
 * constant or a value per step.
 */
function shareOf(
  trace: Trace,
  { micro_batches: steps, micro_batch_size: windows }: RunConfig,
  { countedPerWindow }: Task,
): (total: Tensor, term: Pick<Term, "per">) => Tensor {
  let share: Tensor | undefined;
  return (total, { per }) => {
    if (per === "targets" && countedPerWindow === undefined) {
      share ??= trace.source({ shape: [1], dtype: "f32" }, "scalar", SHARE);
      return pointwise(PRODUCT, [total, share]);
    }
    const counted = per === "targets" ? steps * windows * (countedPerWindow as number) : steps;
    return pointwise(scaleFormula(1 / counted), [total]);
  };
}

/** Names of the sums behind the gradient: the loss, then its terms if there are several. */
function sumsOf(terms: LossTerms): string[] {
  const names = Object.keys(trainedOf(terms));
  return [LOSS, ...names.length > 1 ? names.map((name) => TERM + name) : []];
}

/**
 * The parameters of a model, and their layout. @throws {UserError} `config` when its groups do not
 * fit the parameters.
 */
export function shapeOf(config: RunConfig, vocabulary: number): ReplicaLayout {
  const { params, carries, terms } = build(config, { vocabulary, training: true });
  return {
    params,
    layout: layOut(groupedParams(params, config), { sums: sumsOf(terms) }),
    carries,
    terms: Object.entries(terms).map(([name, { per, weight, auxiliary = false }]) => ({
      name,
      per,
      weight,
      ...auxiliary && { auxiliary },
    })),
  };
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
      if (layout.sums.some((sum) => sum.name === name)) return sumAddress(layout, name);
      return name.startsWith(GRAD) ? addressIn(layout, "grad", name.slice(GRAD.length)) : undefined;
    },
    sizes: { ...sizesOf(layout, "param"), ...sizesOf(layout, "grad") },
  };
}

/** Gradient and loss of one micro-batch, written to the gradient vector. */
export function gradientPlan(config: RunConfig, vocabulary: number, layout: Layout): Plan {
  return compile(traceGradient(config, vocabulary).graph, placing(layout));
}

/** Evaluation of one batch without dropout: the sum of each term, carried states. */
export function evaluationPlan(config: RunConfig, vocabulary: number, layout: Layout): Plan {
  return compile(traceEvaluation(config, vocabulary).graph, placing(layout));
}

/** The computation behind {@linkcode evaluationPlan}. */
export function traceEvaluation(
  config: RunConfig,
  vocabulary: number,
  options: LossOptions = {},
): Traced {
  const built = build(config, { vocabulary, training: false });
  const sums = Object.entries(evaluateTerms(built.terms, options));
  const results = {
    ...Object.fromEntries(sums.map(([name, sum]) => [EVALUATED + name, sum])),
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
  const built = build(config, { vocabulary, training: false });
  differentiate(built.terms, {
    trace: built.trace,
    share: (total) => total,
    wanted: built.params.map((p) => p.tensor),
  });
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
  return modelOf(model).directions?.(model) ?? [];
}
