/**
 * Traces one optimizer step over flat vectors: gradient norm, clip factor, update in place.
 * It knows ranges of vectors, not parameters.
 */
import type { Expr } from "../graph/formula.ts";
import { add, div, formula, min, sqrt } from "../graph/formula.ts";
import { apply, applyAll, newTrace } from "../graph/trace.ts";
import type { Graph, Tensor } from "../graph/types.ts";
import { pointwise, pointwiseOp } from "../../kernels/pointwise.ts";
import { sumOp } from "../../kernels/sum.ts";
import type { Optimizer } from "./types.ts";

/** A run of elements that are updated alike. */
export interface UpdateRange {
  readonly length: number;
  readonly decay: boolean;
}

/** A source of the update's graph: range `range` of `vector`. */
export interface RangeSource {
  readonly tensor: Tensor;
  readonly vector: string;
  readonly range: number;
}

/** Name of the result that holds the gradient's norm before clipping. */
export const GRAD_NORM = "grad_norm";

/** Added to the norm before dividing by it; as in torch.nn.utils.clip_grad_norm_. */
const NORM_EPS = 1e-6;

/**
 * The graph of one step of `optimizer`. Parameters and moments are updated where they lie; the
 * one result is the global norm of the gradient. `clip` 0 switches clipping off.
 */
export function updateGraph<C extends { readonly clip: number }>(
  ranges: readonly UpdateRange[],
  { optimizer, config }: { optimizer: Optimizer<C>; config: C },
): { graph: Graph; sources: readonly RangeSource[] } {
  const trace = newTrace();
  const sources: RangeSource[] = [];
  const source = (vector: string, range: number): Tensor => {
    const shape = [(ranges[range] as UpdateRange).length];
    const role = vector === "param" || vector === "grad" ? vector : "moment";
    const tensor = trace.source({ shape, dtype: "f32" }, role, `${vector}:${range}`);
    sources.push({ tensor, vector, range });
    return tensor;
  };
  const scalar = (name: string): Tensor =>
    trace.source({ shape: [1], dtype: "f32" }, "scalar", name);
  const gradients = ranges.map((_, i) => source("grad", i));
  const squares = gradients.map((g) => apply(sumOp, [g], { square: true }));
  const total = squares.reduce((a, b) => pointwise(PLUS, [a, b]));
  const norm = pointwise(ROOT, [total]);
  const factor = config.clip === 0
    ? trace.constant([1], Float32Array.of(1))
    : pointwise(clipFormula(config.clip), [norm]);
  const scalars = optimizer.scalars.map(scalar);
  ranges.forEach(({ decay }, i) => {
    const state = ["param", ...optimizer.moments].map((vector) => source(vector, i));
    const inputs = [gradients[i] as Tensor, factor, ...scalars, ...state];
    const donate = state.map((_, k) => inputs.length - state.length + k);
    applyAll(pointwiseOp, inputs, { formula: optimizer.update(config, decay), donate });
  });
  const { calls, constants } = trace;
  return { graph: { calls, constants, results: { [GRAD_NORM]: norm } }, sources };
}

const PLUS = formula(2, (a, b) => add(a as Expr, b as Expr));
const ROOT = formula(1, (x) => sqrt(x as Expr));

/** Global-norm clipping (Pascanu et al. 2013, algorithm 1): the factor min(1, clip / norm). */
function clipFormula(clip: number) {
  return formula(1, (norm) => min(1, div(clip, add(norm as Expr, NORM_EPS))));
}
