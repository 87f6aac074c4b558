/** Naive elementwise op: one thread per element, scalar, with an index computed for every input. */
import { declareInput, preludeOf, readInput } from "../../kernels/pointwise/broadcast.ts";
import type { PointwiseAttrs } from "../../kernels/pointwise/mod.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { printFormula } from "../../src/graph/formula_wgsl.ts";
import type { Spec } from "../../src/graph/types.ts";
import { linearGroups, linearHead } from "../../src/graph/wgsl.ts";
import type { Twin } from "./twin.ts";

/** One thread per element. */
export const pointwiseTwin: Twin = {
  fills: [0],
  launch({ inputs, outputs }, { formula, donate }: PointwiseAttrs, { groups: limit }) {
    if (donate !== undefined) {
      throw new RangeError("Cannot launch the naive pointwise: it works on new places: donated");
    }
    const out = outputs[0] as Spec;
    const groups = linearGroups(sizeOf(out.shape), limit);
    const names = inputs.map((_, k) => `x${k}`);
    const heads = inputs.map((spec, k) =>
      declareInput(spec, out, { name: `x${k}`, binding: k, width: 1 })
    );
    const results = outputs.map((_, k) =>
      `@group(0) @binding(${inputs.length + k}) var<storage, read_write> y${k}: array<f32>;\n`
    );
    const input = inputs.map((spec, k) =>
      readInput(spec, out, { name: names[k] as string, at: "i", width: 1 })
    );
    const printed = printFormula(formula, { input, index: "i" });
    const stores = printed.outputs.map((value, k) => `y${k}[i] = ${value};`);
    return [{
      wgsl: `${preludeOf(formula)}${heads.join("")}${results.join("")}${
        linearHead(sizeOf(out.shape), groups)
      }
  ${[...printed.lines, ...stores].join("\n  ")}
}
`,
      bindings: [
        ...inputs.map((_, input) => ({ input })),
        ...outputs.map((_, output) => ({ output })),
      ],
      groups,
    }];
  },
};
