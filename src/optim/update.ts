/**
 * Traces one optimizer step over flat vectors, in two graphs: one looks at the gradient (its norm,
 * and whether it is finite), the other clips by that norm and updates in place. Between them
 * somebody may decide. It knows ranges of vectors, not parameters.
 */
import type { Expr } from "../graph/formula.ts";
import { add, div, formula, min, sqrt } from "../graph/formula.ts";
import { apply, applyAll, newTrace } from "../graph/trace.ts";
import type { Graph, Tensor, Trace } from "../graph/types.ts";
import { nonFinite } from "../../kernels/finite.ts";
import { pointwise, pointwiseOp } from "../../kernels/pointwise.ts";
import { sumOp } from "../../kernels/sum.ts";
import type { Optimizer } from "./types.ts";

/** A run of elements that are updated alike. */
export interface UpdateRange {
  readonly length: number;
  readonly decay: boolean;
  /** Factor of the learning rate. */
  readonly rate: number;
}

/** A source of a graph: range `range` of `vector`. */
export interface RangeSource {
  readonly tensor: Tensor;
  readonly vector: string;
  readonly range: number;
}

/** A graph over ranges of vectors. */
export interface RangeGraph {
  readonly graph: Graph;
  readonly sources: readonly RangeSource[];
}

/** Name of the gradient's norm before clipping: inspection gives it, the update reads it. */
export const GRAD_NORM = "grad_norm";
/** Name of the number of gradient elements that are not finite, a u32. */
export const NON_FINITE = "non_finite";

/** Added to the norm before dividing by it; as in torch.nn.utils.clip_grad_norm_. */
const NORM_EPS = 1e-6;

/** The graph that looks at a gradient: its global norm, and how many elements are not finite. */
export function inspectGraph(ranges: readonly UpdateRange[]): RangeGraph {
  const { trace, sources, source } = rangeTrace(ranges);
  const gradients = ranges.map((_, i) => source("grad", i));
  const squares = gradients.map((g) => apply(sumOp, [g], { square: true }));
  const total = squares.reduce((a, b) => pointwise(PLUS, [a, b]));
  const results = { [GRAD_NORM]: pointwise(ROOT, [total]), [NON_FINITE]: nonFinite(gradients) };
  const { calls, constants } = trace;
  return { graph: { calls, constants, results }, sources };
}

/**
 * The graph of one step of `optimizer`. It reads the norm of the gradient; parameters and moments
 * are updated where they lie, so it has no results. `clip` 0 switches clipping off.
 */
export function updateGraph<C extends { readonly clip: number }>(
  ranges: readonly UpdateRange[],
  { optimizer, config }: { optimizer: Optimizer<C>; config: C },
): RangeGraph {
  const { trace, sources, source } = rangeTrace(ranges);
  const scalar = (name: string): Tensor =>
    trace.source({ shape: [1], dtype: "f32" }, "scalar", name);
  const factor = config.clip === 0
    ? trace.constant([1], Float32Array.of(1))
    : pointwise(clipFormula(config.clip), [scalar(GRAD_NORM)]);
  const scalars = optimizer.scalars.map(scalar);
  ranges.forEach(({ decay, rate }, i) => {
    const state = ["param", ...optimizer.moments].map((vector) => source(vector, i));
    const inputs = [source("grad", i), factor, ...scalars, ...state];
    const donate = state.map((_, k) => inputs.length - state.length + k);
    applyAll(pointwiseOp, inputs, { formula: optimizer.update(config, { decay, rate }), donate });
  });
  const { calls, constants } = trace;
  return { graph: { calls, constants, results: {} }, sources };
}

/** A trace whose sources are ranges of vectors. */
function rangeTrace(ranges: readonly UpdateRange[]): {
  trace: Trace;
  sources: readonly RangeSource[];
  source: (vector: string, range: number) => Tensor;
} {
  const trace = newTrace();
  const sources: RangeSource[] = [];
  const source = (vector: string, range: number): Tensor => {
    const shape = [(ranges[range] as UpdateRange).length];
    const role = vector === "param" || vector === "grad" ? vector : "moment";
    const tensor = trace.source({ shape, dtype: "f32" }, role, `${vector}:${range}`);
    sources.push({ tensor, vector, range });
    return tensor;
  };
  return { trace, sources, source };
}

const PLUS = formula(2, (a, b) => add(a as Expr, b as Expr));
const ROOT = formula(1, (x) => sqrt(x as Expr));

/** Global-norm clipping (Pascanu et al. 2013, algorithm 1): the factor min(1, clip / norm). */
function clipFormula(clip: number) {
  return formula(1, (norm) => min(1, div(clip, add(norm as Expr, NORM_EPS))));
}
