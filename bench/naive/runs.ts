/** Naive slices, slice updates and segmented updates: one thread per element. */
import type { SliceAttrs, UpdateSliceAttrs } from "../../kernels/shape/mod.ts";
import type { PointwiseSegmentsAttrs } from "../../kernels/pointwise/mod.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { printFormula } from "../../src/graph/formula_wgsl.ts";
import type { Binding, Launch, Spec, Target } from "../../src/graph/types.ts";
import { linearGroups, linearHead } from "../../src/graph/wgsl.ts";
import type { Twin } from "./twin.ts";

/** Copies `n` elements of x into y. */
function copy(
  { n, from, to }: { n: number; from: number; to: number },
  { groups: limit }: Target,
): Pick<Launch, "wgsl" | "groups"> {
  const groups = linearGroups(n, limit);
  return {
    groups,
    wgsl: `@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
${linearHead(n, groups)}
  y[i + ${to}u] = x[i + ${from}u];
}
`,
  };
}

/** One thread per element. */
export const sliceTwin: Twin = {
  fills: [0],
  launch: (_, { first, shape }: SliceAttrs, target) => [{
    ...copy({ n: sizeOf(shape), from: first, to: 0 }, target),
    bindings: [{ input: 0 }, { output: 0 }],
  }],
};

/** One thread per element of the part. */
export const updateSliceTwin: Twin = {
  fills: [0],
  launch: ({ inputs }, { first }: UpdateSliceAttrs, target) => [{
    ...copy({ n: sizeOf(inputs.at(-1)?.shape ?? []), from: 0, to: first }, target),
    bindings: [{ input: inputs.length - 1 }, { output: 0 }],
  }],
};

/** A launch for each range, one thread per element. */
export const pointwiseSegmentsTwin: Twin = {
  fills: [0, 1],
  launch({ inputs, outputs }, { ranges, donate = [] }: PointwiseSegmentsAttrs, { groups: limit }) {
    const read = inputs.flatMap((_, k) => donate.includes(k) ? [] : [k]);
    const declared = [
      ...read.map((k) => `var<storage, read> x${k}: array<f32>;`),
      ...outputs.map((_, k) => `var<storage, read_write> y${k}: array<f32>;`),
    ].map((text, at) => `@group(0) @binding(${at}) ${text}\n`).join("");
    const bindings: Binding[] = [
      ...read.map((input) => ({ input })),
      ...outputs.map((_, output) => ({ output })),
    ];
    const input = inputs.map((spec, k) => {
      const name = donate.includes(k) ? `y${donate.indexOf(k)}` : `x${k}`;
      return `${name}[${sizeOf((spec as Spec).shape) === 1 ? "0" : "at"}]`;
    });
    return ranges.map(({ end, formula }, r): Launch => {
      const start = ranges[r - 1]?.end ?? 0;
      const groups = linearGroups(end - start, limit);
      const body = printFormula(formula, { input, index: "at" });
      const stores = body.outputs.map((value, k) => `y${k}[at] = ${value};`);
      const wgsl = `${declared}${linearHead(end - start, groups)}
  let at = i + ${start}u;
  ${[...body.lines, ...stores].join("\n  ")}
}
`;
      return { wgsl, bindings, groups };
    });
  },
};
