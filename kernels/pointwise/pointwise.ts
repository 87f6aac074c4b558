/**
 * Elementwise ops from a formula. Inputs may have full size, be repeated along leading axes or, as
 * [..., 1], along the last one, be scalar, or a random key. WGSL, reference and derivative are all generated from the formula.
 */
import { sameShape, showShape, sizeOf } from "../../src/base/shape.ts";
import { evaluateFormula } from "../../src/graph/formula_eval.ts";
import { gradientOf } from "../../src/graph/formula_grad.ts";
import { printFormula } from "../../src/graph/formula_wgsl.ts";
import type { Expr, Formula } from "../../src/graph/formula.ts";
import { add, exp, formula, mask, mul, pruneFormula, tanh } from "../../src/graph/formula.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, Grad, Io, Op, Spec, Tensor, View } from "../../src/graph/types.ts";
import { linearGroups, linearHead, WORKGROUP_SIZE } from "../../src/graph/wgsl.ts";
import {
  bindingsOf,
  broadcastKindOf,
  declareInput,
  elementwiseCost,
  preludeOf,
  readInput,
  sourceElement,
  widthOf,
} from "./broadcast.ts";
import { pointwiseKernel } from "./pointwise_wasm.ts";
import { columnSum } from "../reduce/column_sum.ts";
import { rowSum } from "../reduce/row_sum.ts";

/** Attributes of an elementwise call. */
export interface PointwiseAttrs {
  /** Outputs as functions of the inputs, per element. */
  readonly formula: Formula;
  /** Updates in place: output k overwrites input `donate[k]`; undefined allocates. */
  readonly donate?: readonly (number | undefined)[];
}

function outSpec(inputs: readonly Spec[]): Spec {
  const floats = inputs.filter((s) => s.dtype === "f32");
  const [first] = floats;
  if (first === undefined) throw new RangeError("Cannot apply pointwise without an f32 input");
  const shape = floats.reduce((a, b) => sizeOf(b.shape) > sizeOf(a.shape) ? b : a, first).shape;
  return { shape, dtype: "f32" };
}

function wgslOf({ inputs, outputs }: Io<Spec>, attrs: PointwiseAttrs, groups: Groups): string {
  const out = outputs[0] as Spec;
  const width = widthOf(inputs, out);
  const donated = attrs.donate ?? [];
  const array = width === 4 ? "array<vec4<f32>>" : "array<f32>";
  let binding = 0;
  let head = preludeOf(attrs.formula);
  inputs.forEach((spec, k) => {
    if (!donated.includes(k)) {
      head += declareInput(spec, out, { name: `x${k}`, binding: binding++, width });
    }
  });
  outputs.forEach((_, k) => {
    head += `@group(0) @binding(${binding++}) var<storage, read_write> y${k}: ${array};\n`;
  });
  const input = inputs.map((spec, k) => {
    const at = donated.indexOf(k);
    return readInput(spec, out, { name: at >= 0 ? `y${at}` : `x${k}`, at: "i", width });
  });
  const index = width === 4 ? "i * 4u" : "i";
  const body = printFormula(attrs.formula, { input, index, width });
  const stores = body.outputs.map((name, k) => `y${k}[i] = ${name};`);
  return `${head}${linearHead(sizeOf(out.shape) / width, groups)}
  ${[...body.lines, ...stores].join("\n  ")}
}
`;
}

type Groups = readonly [number, number, number];

function reference({ inputs, outputs }: Io<View>, attrs: PointwiseAttrs): void {
  const [out] = outputs as [View];
  const n = sizeOf(out.shape);
  const at = (k: number) => inputs[k] as View;
  const sources = inputs.map((view) => sourceElement(view, out));
  let i = 0;
  const input = (k: number) => at(k).data[sources[k]?.(i) as number] as number;
  const key = (k: number) => [at(k).data[0] as number, at(k).data[1] as number] as const;
  for (; i < n; i++) {
    const values = evaluateFormula(attrs.formula, i, { input, key });
    values.forEach((value, k) => (outputs[k] as View).data[i] = value);
  }
}

function vjp(
  { inputs, outputs }: Io<Tensor>,
  dout: readonly Grad[],
  attrs: PointwiseAttrs,
): Grad[] {
  if (attrs.donate !== undefined) {
    throw new RangeError("Cannot differentiate pointwise: an update in place has lost its inputs");
  }
  const live = outputs.map((_, k) => k).filter((k) => dout[k] !== undefined);
  const liveFormula: Formula = {
    inputs: inputs.length,
    outputs: live.map((k) => attrs.formula.outputs[k] as Formula["outputs"][number]),
  };
  const args = [...inputs, ...live.map((k) => dout[k] as Tensor)];
  const out = outputs[0] as Tensor;
  return inputs.map((input, k) => {
    if (input.dtype !== "f32") return undefined;
    const derivative = gradientOf(liveFormula, [k]);
    const [e] = derivative.outputs;
    if (e === undefined || (e.kind === "const" && e.value === 0)) return undefined;
    const full = e.kind === "input" ? args[e.index] as Tensor : pointwise(derivative, args);
    const kind = broadcastKindOf(input, out);
    if (kind === "full") return full;
    if (kind === "row") return rowSum(full);
    return apply(columnSum, [full], { columns: input.shape });
  });
}

/**
 * Applies `f`, a formula of one output, elementwise: f32 of the largest input's shape. The others
 * may lack leading axes, or have 1 for the last one. Inputs that `f` does not use are dropped, unless
 * the shape is theirs.
 * @throws {RangeError} when an input does not broadcast to that shape, or none is f32.
 */
export function pointwise(f: Formula, inputs: readonly Tensor[]): Tensor {
  const pruned = pruneFormula(f);
  const isWhole = pruned.used.length === inputs.length || hasShape(pruned.used, inputs);
  const { formula, used } = isWhole ? pruned : pruneFormula(readingShape(f, inputs));
  return apply(pointwiseOp, used.map((k) => inputs[k] as Tensor), { formula });
}

/** Whether some inputs determine the shape of all. */
function hasShape(some: readonly number[], inputs: readonly Tensor[]): boolean {
  const { shape } = outSpec(inputs);
  return some.some((k) => inputs[k]?.dtype === "f32" && sameShape(inputs[k].shape, shape));
}

/** `f` with an input that has the shape, but no effect on the values. */
function readingShape({ inputs: count, outputs }: Formula, inputs: readonly Tensor[]): Formula {
  const { shape } = outSpec(inputs);
  const index = inputs.findIndex(({ dtype, shape: own }) =>
    dtype === "f32" && sameShape(own, shape)
  );
  const test: Expr = { kind: "input", index };
  return {
    inputs: count,
    outputs: outputs.map((out) => ({ kind: "select", test, a: out, b: out })),
  };
}

/** The op behind {@linkcode pointwise}. */
export const pointwiseOp: Op = {
  name: "pointwise",
  shape(inputs, { formula, donate }: PointwiseAttrs) {
    const out = outSpec(inputs);
    inputs.forEach((spec, k) => {
      if (broadcastKindOf(spec, out) === undefined) {
        throw new RangeError(
          `Cannot apply pointwise to input ${k}: ${showShape(spec.shape)} does not repeat into ` +
            showShape(out.shape),
        );
      }
    });
    if (formula.inputs !== inputs.length) {
      throw new RangeError(
        `Cannot apply pointwise: the formula takes ${formula.inputs} inputs, not ${inputs.length}`,
      );
    }
    donate?.forEach((k) => {
      if (k !== undefined && broadcastKindOf(inputs[k] as Spec, out) !== "full") {
        throw new RangeError(`Cannot donate input ${k} of pointwise: it is not of full size`);
      }
    });
    return formula.outputs.map(() => out);
  },
  donate: ({ donate }: PointwiseAttrs) => donate ?? [],
  cheap: ({ donate }: PointwiseAttrs) => donate === undefined,
  launch(io, attrs: PointwiseAttrs, target) {
    const out = io.outputs[0] as Spec;
    const groups = linearGroups(sizeOf(out.shape) / widthOf(io.inputs, out), target.groups);
    return [{
      wgsl: wgslOf(io, attrs, groups),
      bindings: bindingsOf(io, attrs.donate),
      groups,
    }];
  },
  wasm: (io, { formula }: PointwiseAttrs) => pointwiseKernel(io, formula),
  reference,
  cost: elementwiseCost,
  vjp,
  cases: pointwiseCases(),
};

function pointwiseCases(): Case[] {
  const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });
  const key: Spec = { shape: [2], dtype: "u32" };
  const gelu = formula(2, (x, b) => {
    const z = add(x as Expr, b as Expr);
    return mul(mul(z, 0.5), add(1, tanh(mul(z, add(0.8, mul(mul(z, z), 0.0357))))));
  });
  const drop = formula(3, (x, y, k) => add(x as Expr, mul(y as Expr, mask(k as Expr, 7, 0.75))));
  const two = formula(2, (x, s) => [mul(x as Expr, s as Expr), exp(x as Expr)]);
  const sizes = [1, WORKGROUP_SIZE - 1, WORKGROUP_SIZE, WORKGROUP_SIZE + 1, 4 * WORKGROUP_SIZE + 4];
  return [
    ...sizes.map((n): Case => ({
      kind: "tile",
      inputs: [f32(n), f32(n)],
      attrs: { formula: gelu },
    })),
    { kind: "ragged", inputs: [f32(3, 5, 7), f32(5, 7)], attrs: { formula: gelu } },
    { kind: "ragged", inputs: [f32(3, 5, 8), f32(8)], attrs: { formula: gelu } },
    { kind: "ragged", inputs: [f32(5, 7), f32(5, 7), key], attrs: { formula: drop } },
    { kind: "ragged", inputs: [f32(9, 8), f32(9, 8), key], attrs: { formula: drop } },
    { kind: "ragged", inputs: [f32(3, 5, 7), f32(3, 5, 1)], attrs: { formula: gelu } },
    { kind: "ragged", inputs: [f32(3, 5, 8), f32(3, 5, 1)], attrs: { formula: gelu } },
    { kind: "ragged", inputs: [f32(13), f32(1)], attrs: { formula: two } },
    { kind: "ragged", inputs: [f32(12), f32(1)], attrs: { formula: two, donate: [0, undefined] } },
    { kind: "bench", inputs: [f32(1024, 1024), f32(1024)], attrs: { formula: gelu } },
  ];
}
