/**
 * Elementwise op with one formula per contiguous segment of the flattened tensor, in one dispatch
 * (a foreach optimizer update). Inputs have full size or are scalar.
 */
import { showShape, sizeOf } from "../../src/base/shape.ts";
import { evaluateFormula } from "../../src/graph/formula_eval.ts";
import { printFormula } from "../../src/graph/formula_wgsl.ts";
import type { Expr, Formula } from "../../src/graph/formula.ts";
import { add, formula, mul, sqrt } from "../../src/graph/formula.ts";
import type { Case, Io, Op, Spec, View } from "../../src/graph/types.ts";
import { linearGroups, linearHead, WORKGROUP_SIZE } from "../../src/graph/wgsl.ts";
import {
  bindingsOf,
  broadcastKindOf,
  declareInput,
  elementwiseCost,
  readInput,
} from "./broadcast.ts";

import { printElements } from "./pointwise_wasm.ts";

/** A segment's formula; `end` is exclusive, and a segment starts at the end of the previous one. */
export interface FormulaRange {
  readonly end: number;
  readonly formula: Formula;
}

/**
 * All formulas have the same inputs and number of outputs; the last range ends at the tensor's end.
 */
export interface PointwiseSegmentsAttrs {
  readonly ranges: readonly FormulaRange[];
  /** Updates in place: output k overwrites input `donate[k]`; undefined allocates. */
  readonly donate?: readonly (number | undefined)[];
}

function outSpec(inputs: readonly Spec[]): Spec {
  const [first, ...others] = inputs;
  if (first === undefined) throw new RangeError("Cannot apply pointwise_segments: it takes inputs");
  return others.reduce((a, b) => sizeOf(b.shape) > sizeOf(a.shape) ? b : a, first);
}

/** Elements per invocation: 4 if all ranges end at multiples of 4, else 1. */
function widthOf({ ranges }: PointwiseSegmentsAttrs): 1 | 4 {
  return ranges.every(({ end }) => end % 4 === 0) ? 4 : 1;
}

type Groups = readonly [number, number, number];

function wgslOf(
  { inputs, outputs }: Io<Spec>,
  attrs: PointwiseSegmentsAttrs,
  groups: Groups,
): string {
  const out = outputs[0] as Spec;
  const width = widthOf(attrs);
  const { ranges, donate = [] } = attrs;
  const array = width === 4 ? "array<vec4<f32>>" : "array<f32>";
  let [head, binding] = ["", 0];
  inputs.forEach((spec, k) => {
    if (donate.includes(k)) return;
    head += declareInput(spec, out, { name: `x${k}`, binding: binding++, width });
  });
  outputs.forEach((_, k) => {
    head += `@group(0) @binding(${binding++}) var<storage, read_write> y${k}: ${array};\n`;
  });
  const values = inputs.map((spec, k) => {
    const at = donate.indexOf(k);
    return `let v${k} = ${
      readInput(spec, out, { name: at >= 0 ? `y${at}` : `x${k}`, at: "i", width })
    };`;
  });
  const branches = ranges.map(({ end, formula }, r) => {
    const input = inputs.map((_, k) => `v${k}`);
    const body = printFormula(formula, { input, index: "i", width });
    const stores = body.outputs.map((name, k) => `y${k}[i] = ${name};`);
    const test = r + 1 < ranges.length ? `if (i < ${end / width}u) ` : "";
    return `${test}{\n    ${[...body.lines, ...stores].join("\n    ")}\n  }`;
  });
  return `${head}${linearHead(sizeOf(out.shape) / width, groups)}
  ${values.join("\n  ")}
  ${branches.join(" else ")}
}
`;
}

function reference({ inputs, outputs }: Io<View>, { ranges }: PointwiseSegmentsAttrs): void {
  let i = 0;
  const at = (k: number) => (inputs[k] as View).data;
  const input = (k: number) => at(k)[i % at(k).length] as number;
  const key = () => [0, 0] as const;
  for (const { end, formula } of ranges) {
    for (; i < end; i++) {
      evaluateFormula(formula, i, { input, key }).forEach((value, k) => {
        (outputs[k] as View).data[i] = value;
      });
    }
  }
}

/** The op; the optimizer's update applies it. */
export const pointwiseSegmentsOp: Op = {
  name: "pointwise_segments",
  shape(inputs, { ranges, donate = [] }: PointwiseSegmentsAttrs) {
    const out = outSpec(inputs);
    inputs.forEach((spec, k) => {
      const reading = broadcastKindOf(spec, out);
      if (reading !== "full" && (reading !== "scalar" || donate.includes(k))) {
        throw new RangeError(
          `Cannot apply pointwise_segments to input ${k}: ${
            showShape(spec.shape)
          } is neither one element ` +
            `nor ${showShape(out.shape)}`,
        );
      }
    });
    const ends = ranges.map(({ end }) => end);
    if (ends.at(-1) !== sizeOf(out.shape) || ends.some((end, r) => end <= (ends[r - 1] ?? 0))) {
      throw new RangeError(
        `Cannot apply pointwise_segments to ${showShape(out.shape)}: its ranges end at ${
          ends.join(", ")
        }`,
      );
    }
    return (ranges[0] as FormulaRange).formula.outputs.map(() => out);
  },
  donate: ({ donate }: PointwiseSegmentsAttrs) => donate ?? [],
  launch(io, attrs: PointwiseSegmentsAttrs, target) {
    const out = io.outputs[0] as Spec;
    const groups = linearGroups(sizeOf(out.shape) / widthOf(attrs), target.groups);
    return [{
      wgsl: wgslOf(io, attrs, groups),
      bindings: bindingsOf(io, attrs.donate),
      groups,
    }];
  },
  wasm: (io, { ranges }: PointwiseSegmentsAttrs) => ({
    print: (b, areas) =>
      ranges.forEach(({ end: to, formula }, r) => {
        printElements(b, { io, formula, areas, from: ranges[r - 1]?.end ?? 0, to });
      }),
  }),
  reference,
  cost: elementwiseCost,
  cases: segmentCases(),
};

function segmentCases(): Case[] {
  const f32 = (n: number): Spec => ({ shape: [n], dtype: "f32" });
  const segments = (kind: Case["kind"], ends: readonly number[]): Case => ({
    kind,
    inputs: [f32(ends.at(-1) as number), f32(1), f32(ends.at(-1) as number)],
    attrs: {
      donate: [2, undefined],
      ranges: ends.map((end, r) => ({
        end,
        formula: formula(3, (x, s, y) => [
          add(mul(x as Expr, s as Expr), mul(y as Expr, r + 0.5)),
          sqrt(add(mul(y as Expr, y as Expr), r)),
        ]),
      })),
    },
  });
  return [
    ...[1, WORKGROUP_SIZE - 1, WORKGROUP_SIZE, WORKGROUP_SIZE + 1, 4 * WORKGROUP_SIZE + 4].map((
      n,
    ) => segments("tile", [n])),
    segments("tile", [WORKGROUP_SIZE, 4 * WORKGROUP_SIZE, 8 * WORKGROUP_SIZE]),
    segments("ragged", [37, 49, 58]),
    segments("ragged", [36, 48, 304]),
    segments("bench", [2 ** 21, 2 ** 22]),
  ];
}
