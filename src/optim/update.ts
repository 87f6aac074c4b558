/**
 * Traces one optimizer step over flat vectors, in two graphs: the first checks the gradient (norm
 * and non-finite elements), the second clips by that norm and updates in place. In between, the
 * caller may skip or stop.
 */
import type { Expr, Formula } from "../graph/formula.ts";
import { add, constant, div, formula, min, sqrt, substitute } from "../graph/formula.ts";
import { apply, applyAll, newTrace } from "../graph/trace.ts";
import type { Graph, Tensor, Trace } from "../graph/types.ts";
import { nonFinite, sumOp } from "../../kernels/reduce/mod.ts";
import { pointwise, pointwiseSegmentsOp } from "../../kernels/pointwise/mod.ts";
import type { Optimizer } from "./types.ts";

/** Elements with the same update rule. */
export interface UpdateRange {
  readonly length: number;
  readonly decay: boolean;
  /** Factor of the learning rate. */
  readonly lrScale: number;
}

/** Consecutive ranges in one bucket of each vector. */
export type UpdateSpan = readonly UpdateRange[];

/** A source of a graph: elements of `vector` from `offset` on, relative to the start of a span. */
export interface SpanSource {
  readonly tensor: Tensor;
  readonly vector: string;
  readonly span: number;
  readonly offset: number;
}

/** A graph over spans of vectors. */
export interface SpanGraph {
  readonly graph: Graph;
  readonly sources: readonly SpanSource[];
}

/** Name of the gradient norm before clipping: result of the check, scalar of the update. */
export const GRAD_NORM = "grad_norm";
/** Name of the number of non-finite gradient elements, a u32. */
export const NON_FINITE = "non_finite";

/** Added to the norm before the division, as in torch.nn.utils.clip_grad_norm_. */
const NORM_EPS = 1e-6;

/** The gradient check: global norm f32 [1], and number of non-finite elements u32 [1]. */
export function inspectGraph(spans: readonly UpdateSpan[]): SpanGraph {
  const { trace, sources, source } = spanTrace();
  const squares = spans.flatMap((ranges, span) => {
    const ends = endsOf(ranges);
    return ranges.map(({ length }, r) => {
      const part = source("grad", span, { offset: (ends[r] as number) - length, length });
      return apply(sumOp, [part], { square: true });
    });
  });
  const whole = spans.map((ranges, span) =>
    source("grad", span, { offset: 0, length: endsOf(ranges).at(-1) as number })
  );
  const results = { [GRAD_NORM]: rootOfSum(squares), [NON_FINITE]: nonFinite(whole) };
  const { calls, constants } = trace;
  return { graph: { calls, constants, results }, sources };
}

/**
 * The graph of one step of `optimizer`: one call per span. It reads the gradient norm, and updates
 * parameters and moments in place, so it has no results. `clip` 0 disables clipping.
 */
export function updateGraph<C extends { readonly clip: number }>(
  spans: readonly UpdateSpan[],
  { optimizer, config }: { optimizer: Optimizer<C>; config: C },
): SpanGraph {
  const { trace, sources, source } = spanTrace();
  const numbers = [...config.clip === 0 ? [] : [GRAD_NORM], ...optimizer.scalars]
    .map((name) => trace.source({ shape: [1], dtype: "f32" }, "scalar", name));
  spans.forEach((ranges, span) => {
    const ends = endsOf(ranges);
    const all = { offset: 0, length: ends.at(-1) as number };
    const state = ["param", ...optimizer.moments].map((vector) => source(vector, span, all));
    const inputs = [source("grad", span, all), ...numbers, ...state];
    applyAll(pointwiseSegmentsOp, inputs, {
      ranges: ranges.map(({ decay, lrScale }, r) => ({
        end: ends[r] as number,
        formula: clipped(optimizer.update(config, { decay, lrScale }), config.clip),
      })),
      donate: state.map((_, k) => inputs.length - state.length + k),
    });
  });
  const { calls, constants } = trace;
  return { graph: { calls, constants, results: {} }, sources };
}

/** Ends of ranges (exclusive), relative to the start of their span. */
function endsOf(ranges: UpdateSpan): number[] {
  let end = 0;
  return ranges.map(({ length }) => end += length);
}

/** A trace whose sources are slices of spans. */
function spanTrace(): {
  trace: Trace;
  sources: readonly SpanSource[];
  source: (vector: string, span: number, at: { offset: number; length: number }) => Tensor;
} {
  const trace = newTrace();
  const sources: SpanSource[] = [];
  return {
    trace,
    sources,
    source: (vector, span, { offset, length }) => {
      const role = vector === "param" || vector === "grad" ? vector : "moment";
      const name = `${vector}:${span}+${offset}:${length}`;
      // In a span of one range, the slice of the range is the whole span.
      const known = sources.find(({ tensor }) => tensor.name === name);
      if (known !== undefined) return known.tensor;
      const tensor = trace.source({ shape: [length], dtype: "f32" }, role, name);
      sources.push({ tensor, vector, span, offset });
      return tensor;
    },
  };
}

/** Terms per call: with the result at most seven of the eight buffers that a call may bind. */
const TERMS = 6;

/** Square root of the sum of tensors [1], added in order. */
function rootOfSum(terms: readonly Tensor[]): Tensor {
  const [first, ...others] = terms as [Tensor, ...Tensor[]];
  const [some, rest] = [others.slice(0, TERMS - 1), others.slice(TERMS - 1)];
  const sum = formula(1 + some.length, (...x) => x.reduce((a, b) => add(a, b)));
  if (rest.length > 0) return rootOfSum([pointwise(sum, [first, ...some]), ...rest]);
  const root = { ...sum, outputs: sum.outputs.map(sqrt) };
  return pointwise(root, [first, ...some]);
}

/**
 * Inlines global-norm clipping into an optimizer's formula (Pascanu et al. 2013, algorithm 1):
 * input 1 becomes the norm instead of the factor min(1, clip / norm); with `clip` 0 it is dropped.
 */
function clipped({ inputs, outputs }: Formula, clip: number): Formula {
  const input = (index: number): Expr => ({ kind: "input", index });
  const factor = clip === 0 ? constant(1) : min(1, div(clip, add(input(1), NORM_EPS)));
  const leading = clip === 0 ? 1 : 2;
  const args = Array.from(
    { length: inputs },
    (_, k) => k === 0 ? input(0) : k === 1 ? factor : input(k - 2 + leading),
  );
  return { inputs: inputs - 2 + leading, outputs: outputs.map((e) => substitute(e, args)) };
}
