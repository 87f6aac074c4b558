/**
 * Everything that a replica compiles from a config: where parameters lie, and the plans of
 * gradient, evaluation, sampling, update and tree addition. Pure: no device, no process.
 */
import { crossEntropy } from "../kernels/cross_entropy.ts";
import { pointwise } from "../kernels/pointwise.ts";
import { sum } from "../kernels/sum.ts";
import { treeAddOp } from "../kernels/tree_add.ts";
import type { RunConfig } from "../src/config/schema.ts";
import { formula } from "../src/graph/formula.ts";
import type { Expr } from "../src/graph/formula.ts";
import { gradients } from "../src/graph/reverse.ts";
import { applyAll, newTrace } from "../src/graph/trace.ts";
import type { Graph, Tensor } from "../src/graph/types.ts";
import { logitsOf } from "../src/models/mod.ts";
import { scaleFormula, SUM } from "../src/nn/formulas.ts";
import { newScope } from "../src/nn/scope.ts";
import type { Param } from "../src/nn/scope.ts";
import { optimizerOf } from "../src/optim/mod.ts";
import { updateGraph } from "../src/optim/update.ts";
import { compile } from "../src/plan/compile.ts";
import type { Placing } from "../src/plan/compile.ts";
import { layOut, LOSS, pieceSlot, placeIn } from "../src/plan/layout.ts";
import type { Layout, Range } from "../src/plan/layout.ts";
import type { Place, Plan } from "../src/plan/types.ts";

/** A model traced to its loss, with the parameters it declared. */
export interface Traced {
  readonly graph: Graph;
  readonly params: readonly Param[];
}

/** A parameter without its tensor, and where all of them lie. */
export interface Shape {
  readonly params: readonly Param[];
  readonly layout: Layout;
}

const GRAD = "grad:";
const COPY = formula(1, (x) => x as Expr);

function build(
  config: RunConfig,
  options: { vocabulary: number; training: boolean; rows: number },
) {
  const trace = newTrace();
  const { scope, params } = newScope(trace, options);
  const shape = [options.rows, config.data.window];
  const inputs = trace.source({ shape, dtype: "u32" }, "batch", "inputs");
  const input = { inputs, vocabulary: options.vocabulary };
  const logits = logitsOf(config.model)(scope, input, config.model);
  return { trace, params, shape, logits };
}

/** Sum of the losses of a batch, and its trace. */
function buildLoss(config: RunConfig, options: { vocabulary: number; training: boolean }) {
  const built = build(config, { ...options, rows: config.windows });
  const { trace, shape, logits } = built;
  const targets = trace.source({ shape, dtype: "u32" }, "batch", "targets");
  return { ...built, loss: sum(crossEntropy(logits, targets)) };
}

function finish({ trace }: { trace: Tensor["trace"] }, results: Graph["results"]): Graph {
  return { calls: trace.calls, constants: trace.constants, results };
}

/**
 * A micro-batch's share of the step's mean loss, and its gradient. Shares are normalised by the
 * tokens of the whole step, so their sum over micro-batches is the mean.
 */
export function traceGradient(config: RunConfig, vocabulary: number): Traced {
  const built = buildLoss(config, { vocabulary, training: true });
  const tokens = config.micro_batches * config.windows * config.data.window;
  const share = pointwise(scaleFormula(1 / tokens), [built.loss]);
  const wanted = built.params.map((p) => p.tensor);
  const flows = gradients(share, wanted, {
    seed: built.trace.constant([1], Float32Array.of(1)),
    add: (a, b) => pointwise(SUM, [a, b]),
  });
  const results: Record<string, Tensor> = { [LOSS]: share };
  // A call must not read and write the gradient vector: what is read again, or is the gradient of
  // several parameters, is put there by a copy.
  const read = new Set(built.trace.calls.flatMap((call) => call.inputs));
  built.params.forEach(({ name }, i) => {
    const flow = flows[i];
    if (flow === undefined) throw new RangeError(`Cannot train ${name}: the loss ignores it`);
    const shared = read.has(flow) || flows.indexOf(flow) !== flows.lastIndexOf(flow);
    results[GRAD + name] = shared ? pointwise(COPY, [flow]) : flow;
  });
  return { graph: finish(built, results), params: built.params };
}

/** The parameters of a model, and their layout. */
export function shapeOf(config: RunConfig, vocabulary: number): Shape {
  const { params } = build(config, { vocabulary, training: true, rows: 1 });
  return { params, layout: layOut(params) };
}

/** Slot sizes of a vector, by slot name. */
export function sizesOf(layout: Layout, vector: string): Record<string, number> {
  return Object.fromEntries(layout.pieces.map((size, i) => [pieceSlot(vector, i), size]));
}

function placing(layout: Layout): Placing {
  return {
    source: (t) => t.role === "param" ? placeIn(layout, "param", t.name as string) : undefined,
    result: (name) => {
      if (name === LOSS) return placeIn(layout, "grad", LOSS);
      return name.startsWith(GRAD) ? placeIn(layout, "grad", name.slice(GRAD.length)) : undefined;
    },
    sizes: { ...sizesOf(layout, "param"), ...sizesOf(layout, "grad") },
  };
}

/** Gradient and loss of one micro-batch, left in the gradient vector. */
export function gradientPlan(config: RunConfig, vocabulary: number, layout: Layout): Plan {
  return compile(traceGradient(config, vocabulary).graph, placing(layout));
}

/** Sum of the losses of one batch without dropout, in slot `eval_loss`. */
export function evaluationPlan(config: RunConfig, vocabulary: number, layout: Layout): Plan {
  const built = buildLoss(config, { vocabulary, training: false });
  return compile(finish(built, { eval_loss: built.loss }), placing(layout));
}

/** Logits [1, T, V] of one window, in slot `logits`. */
export function samplingPlan(config: RunConfig, vocabulary: number, layout: Layout): Plan {
  const built = build(config, { vocabulary, training: false, rows: 1 });
  return compile(finish(built, { logits: built.logits }), {
    ...placing(layout),
    source: (t) =>
      t.role === "param"
        ? placeIn(layout, "param", t.name as string)
        : { slot: `sampling/${t.name}`, role: t.role, offset: 0 },
  });
}

/** One optimizer step over all ranges; the gradient's norm comes in slot `grad_norm`. */
export function updatePlan(config: RunConfig, layout: Layout): Plan {
  const optimizer = optimizerOf(config.optim);
  const { graph, sources } = updateGraph(layout.ranges, { optimizer, config: config.optim });
  const places = new Map<Tensor, Place>(sources.map(({ tensor, vector, range }) => {
    const { piece, offset } = layout.ranges[range] as Range;
    return [tensor, { slot: pieceSlot(vector, piece), role: tensor.role, offset }];
  }));
  const vectors = ["param", "grad", ...optimizer.moments];
  const sizes = Object.assign({}, ...vectors.map((v) => sizesOf(layout, v)));
  return compile(graph, { source: (t) => places.get(t), sizes });
}

/** Adds level `level` of the tree into the gradient, in place. */
export function treeAddPlan(layout: Layout, level: number): Plan {
  const trace = newTrace();
  const places = new Map<Tensor, Place>();
  layout.pieces.forEach((size, piece) => {
    const [grad, kept] = ["grad", treeVector(level)].map((vector) => {
      const role = vector === "grad" ? "grad" as const : "moment" as const;
      const name = pieceSlot(vector, piece);
      const tensor = trace.source({ shape: [size], dtype: "f32" }, role, name);
      places.set(tensor, { slot: name, role, offset: 0 });
      return tensor;
    });
    applyAll(treeAddOp, [grad as Tensor, kept as Tensor]);
  });
  return compile(finish({ trace }, {}), { source: (t) => places.get(t) });
}

/** Name of the vector that keeps a finished subtree of `2^level` micro-batches. */
export function treeVector(level: number): string {
  return `tree${level}`;
}
