/**
 * Traces one optimizer step over flat vectors, in two graphs: the first checks the gradient (norm
 * and non-finite elements), the second clips by that norm and updates in place. In between, the
 * caller may skip or stop.
 */
import type { Shape } from "../base/shape.ts";
import { add, formula, sqrt } from "../graph/formula.ts";
import { apply, newTrace } from "../graph/trace.ts";
import type { Graph, Tensor, Trace } from "../graph/types.ts";
import { nonFinite, sumOp } from "../../kernels/reduce/mod.ts";
import { pointwise } from "../../kernels/pointwise/mod.ts";
import { GRAD_NORM } from "./clip.ts";
import { ruleFor } from "./rules.ts";
import type { Optimizer, UpdateSpan } from "./types.ts";

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

/** Name of the number of non-finite gradient elements, a u32. */
export const NON_FINITE = "non_finite";

/** The gradient check: global norm f32 [1], and number of non-finite elements u32 [1]. */
export function inspectGraph(spans: readonly UpdateSpan[]): SpanGraph {
  const { trace, sources, source } = spanTrace();
  const squares = spans.flatMap((ranges, span) => {
    const ends = endsOf(ranges);
    return ranges.map(({ length }, r) => {
      const part = source("grad", span, { offset: (ends[r] as number) - length, shape: [length] });
      return apply(sumOp, [part], { square: true });
    });
  });
  const whole = spans.map((ranges, span) =>
    source("grad", span, { offset: 0, shape: [endsOf(ranges).at(-1) as number] })
  );
  const results = { [GRAD_NORM]: rootOfSum(squares), [NON_FINITE]: nonFinite(whole) };
  const { calls, constants } = trace;
  return { graph: { calls, constants, results }, sources };
}

/**
 * The graph of one step of `optimizer`: each span by its rule. It reads the gradient norm, and
 * updates parameters and moments in place, so it has no results. `clip` 0 disables clipping.
 * @throws {RangeError} when the optimizer lacks a span's rule.
 */
export function updateGraph<C>(
  spans: readonly UpdateSpan[],
  { optimizer, config }: { optimizer: Optimizer<C>; config: C },
): SpanGraph {
  const { trace, sources, source } = spanTrace();
  const scalars = new Map<string, Tensor>();
  const scalar = (name: string): Tensor => {
    const known = scalars.get(name);
    if (known !== undefined) return known;
    const tensor = trace.source({ shape: [1], dtype: "f32" }, "scalar", name);
    scalars.set(name, tensor);
    return tensor;
  };
  spans.forEach((ranges, span) => {
    const all = { offset: 0, shape: [endsOf(ranges).at(-1) as number] };
    ruleFor(optimizer, ranges[0]?.rule).trace({
      ranges,
      source: (vector, at = all) => source(vector, span, at),
      scalar,
    }, config);
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
  source: (
    vector: string,
    span: number,
    at: { readonly offset: number; readonly shape: Shape },
  ) => Tensor;
} {
  const trace = newTrace();
  const sources: SpanSource[] = [];
  return {
    trace,
    sources,
    source: (vector, span, { offset, shape }) => {
      const role = vector === "param" || vector === "grad" ? vector : "moment";
      const name = `${vector}:${span}+${offset}:${shape.join("x")}`;
      // In a span of one range, the slice of the range is the whole span.
      const known = sources.find(({ tensor }) => tensor.name === name);
      if (known !== undefined) return known.tensor;
      const tensor = trace.source({ shape, dtype: "f32" }, role, name);
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
