/**
 * Gradient of attention: base tensors, y, lse, dy (and the optional inputs) -> a gradient for each
 * base tensor, and scratch. Probabilities are recomputed from the scores and lse; no Tq x Tk matrix is
 * stored.
 */
import { sameShape, showShape } from "../../src/base/shape.ts";
import type { Io, Launch, Op, Spec, View } from "../../src/graph/types.ts";
import { basesOf } from "./attention_attrs.ts";
import type { AttentionAttrs } from "./attention_attrs.ts";
import { attentionBackwardCases } from "./attention_cases.ts";
import { attendBackwardReference } from "./attention_reference.ts";
import { attentionCost, attentionSizes, attentionSpecs } from "./attention_sizes.ts";
import type { AttentionSizes } from "./attention_sizes.ts";
import { attentionKernel, isPaired } from "./attention_tile.ts";
import { requireBackwardWords } from "./attention_words.ts";
import { attentionBackwardKernel } from "./wasm/backward.ts";
import { basesWith, printKeys, printPairs, printQueries } from "./wgsl/backward.ts";

/** The inputs of a call by name. */
interface BackwardInputs<T> {
  readonly bases: readonly T[];
  readonly y: T | undefined;
  readonly lse: T | undefined;
  readonly dy: T | undefined;
  readonly extra: readonly T[];
  readonly sizes: AttentionSizes;
}

function inputsOf<T extends Spec>(
  inputs: readonly T[],
  attrs: AttentionAttrs,
): BackwardInputs<T> {
  const count = basesOf(attrs).length;
  const bases = inputs.slice(0, count);
  const [y, lse, dy] = inputs.slice(count);
  return { bases, y, lse, dy, extra: inputs.slice(count + 3), sizes: attentionSizes(bases, attrs) };
}

/**
 * The op: inputs base tensors f32 [B, T, W], y, lse, dy, and the optional inputs, joined if the
 * forward op joins them; outputs a gradient per base tensor and delta [B, H, Tq], or lse and delta in
 * pairs [B, H, Tq, 2].
 */
export const attentionBackwardOp: Op = {
  name: "attention_backward",
  shape(inputs, attrs: AttentionAttrs) {
    const { bases, y, lse, dy, extra, sizes } = inputsOf(inputs, attrs);
    requireBackwardWords(extra, sizes, attrs);
    const [result, rows] = attentionSpecs(sizes);
    const expected = { y: [y, result], lse: [lse, rows], dy: [dy, result] } as const;
    for (const [name, [got, want]] of Object.entries(expected)) {
      if (got !== undefined && sameShape(got.shape, want.shape)) continue;
      throw new RangeError(
        `Cannot differentiate attention: ${name} must be ${showShape(want.shape)}: ` +
          showShape(got?.shape ?? []),
      );
    }
    const delta = isPaired(sizes, attrs) ? { ...rows, shape: [...rows.shape, 2] } : rows;
    return [...bases, delta].map(({ shape, dtype }) => ({ shape, dtype }));
  },
  launch({ inputs }, attrs: AttentionAttrs, target) {
    const { bases, extra, sizes } = inputsOf(inputs, attrs);
    const common = { target, sets: 2 };
    const queries = attentionKernel(sizes, attrs, { ...common, side: "queries" });
    const keys = attentionKernel(sizes, attrs, { ...common, side: "keys" });
    const count = bases.length;
    const [y, lse, dy] = [0, 1, 2].map((k) => ({ input: count + k })) as [
      { input: number },
      { input: number },
      { input: number },
    ];
    const given = bases.map((_, i) => ({ input: i }));
    const last = extra.map((_, i) => ({ input: count + 3 + i }));
    const gradients = (parts: readonly string[]) =>
      basesWith(sizes, parts).map((base) => ({ output: base }));
    const delta = { output: count };
    const { paired } = queries;
    const rows: Launch[] = [];
    if (paired) rows.push({ ...printPairs(sizes, target), bindings: [y, lse, dy, delta] });
    return [
      ...rows,
      {
        wgsl: printQueries(queries),
        bindings: [
          ...given,
          ...paired ? [] : [y, lse],
          dy,
          ...gradients(["q"]),
          ...[delta, ...last],
        ],
        groups: queries.groups,
      },
      {
        wgsl: printKeys(keys),
        bindings: [
          ...given,
          ...paired ? [] : [lse],
          dy,
          ...gradients(["k", "v"]),
          ...[delta, ...last],
        ],
        groups: keys.groups,
      },
    ];
  },
  wasm({ inputs }, attrs: AttentionAttrs, target) {
    const { sizes } = inputsOf(inputs, attrs);
    return attentionBackwardKernel(sizes, attrs, { paired: isPaired(sizes, attrs), target });
  },
  reference({ inputs, outputs }: Io<View>, attrs: AttentionAttrs) {
    const { bases, y, lse, dy, extra } = inputsOf(inputs, attrs);
    attendBackwardReference({
      ...{ bases, extra },
      ...{ y: y as View, lse: lse as View, dy: dy as View },
      gradients: outputs.slice(0, -1),
      delta: outputs.at(-1) as View,
    }, attrs);
  },
  cost(io, attrs: AttentionAttrs) {
    return attentionCost(inputsOf(io.inputs, attrs).sizes, io, { passes: 2.5, attrs });
  },
  cases: attentionBackwardCases(),
};
