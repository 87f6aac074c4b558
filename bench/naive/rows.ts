/** Naive row kernels and embedding lookups: one thread per row, column or element. */
import { IGNORE } from "../../src/base/ignore.ts";
import type { LayerNormAttrs } from "../../kernels/layer_norm/mod.ts";
import { sizeOf } from "../../src/base/shape.ts";
import type { Binding, Spec, Target } from "../../src/graph/types.ts";
import { linearGroups } from "../../src/graph/wgsl.ts";
import correct from "./correct.wgsl" with { type: "text" };
import crossEntropy from "./cross_entropy.wgsl" with { type: "text" };
import crossEntropyBackward from "./cross_entropy_backward.wgsl" with { type: "text" };
import embedding from "./embedding.wgsl" with { type: "text" };
import embeddingBackward from "./embedding_backward.wgsl" with { type: "text" };
import layerNorm from "./layer_norm.wgsl" with { type: "text" };
import layerNormDgamma from "./layer_norm_dgamma.wgsl" with { type: "text" };
import layerNormDx from "./layer_norm_dx.wgsl" with { type: "text" };
import rowNorms from "./reduce/row_norms.wgsl" with { type: "text" };
import type { Twin } from "./twin.ts";

function width(spec: Spec | undefined): number {
  return spec?.shape.at(-1) ?? 1;
}

function threads(spec: Spec | undefined, { groups }: Target): [number, number, number] {
  return linearGroups(sizeOf(spec?.shape ?? []), groups);
}

function inputs(...numbers: readonly number[]): Binding[] {
  return numbers.map((input) => ({ input }));
}

function outputs(...numbers: readonly number[]): Binding[] {
  return numbers.map((output) => ({ output }));
}

/** One thread per row. */
export const layerNormTwin: Twin = {
  fills: [0, 1, 2],
  launch: (io, { eps }: LayerNormAttrs, target) => [{
    wgsl: layerNorm,
    constants: { C: width(io.inputs[0]), eps },
    bindings: [...inputs(0, 1, 2), ...outputs(0, 1, 2)],
    groups: threads(io.outputs[1], target),
  }],
};

/** One thread per row for dx, one per column for the sums over rows. */
export const layerNormBackwardTwin: Twin = {
  fills: [0, 1, 2],
  launch: (io, _, target) => [
    {
      wgsl: layerNormDx,
      constants: { C: width(io.inputs[0]) },
      bindings: [...inputs(0, 1, 2, 3, 4), ...outputs(0)],
      groups: threads(io.inputs[2], target),
    },
    {
      wgsl: layerNormDgamma,
      constants: { C: width(io.inputs[0]) },
      bindings: [...inputs(0, 2, 3, 4), ...outputs(1, 2)],
      groups: threads(io.inputs[1], target),
    },
  ],
};

/** One thread per row. */
export const crossEntropyTwin: Twin = {
  fills: [0, 1],
  launch: (io, _, target) => [{
    wgsl: crossEntropy,
    constants: { C: width(io.inputs[0]), ignored: IGNORE },
    bindings: [...inputs(0, 1), ...outputs(0, 1)],
    groups: threads(io.outputs[0], target),
  }],
};

/** One thread per logit. */
export const crossEntropyBackwardTwin: Twin = {
  fills: [0],
  launch: (io, _, target) => [{
    wgsl: crossEntropyBackward,
    constants: { C: width(io.inputs[0]), ignored: IGNORE },
    bindings: [...inputs(0, 1, 2, 3), ...outputs(0)],
    groups: threads(io.outputs[0], target),
  }],
};

/** One thread per element. */
export const embeddingTwin: Twin = {
  fills: [0],
  launch: (io, _, target) => [{
    wgsl: embedding,
    constants: { C: width(io.inputs[0]) },
    bindings: [...inputs(0, 1), ...outputs(0)],
    groups: threads(io.outputs[0], target),
  }],
};

/** One thread per element of the table, which scans all ids. */
export const embeddingBackwardTwin: Twin = {
  fills: [0],
  launch: (io, _, target) => [{
    wgsl: embeddingBackward,
    constants: { C: width(io.outputs[0]) },
    bindings: [...inputs(1, 2), ...outputs(0)],
    groups: threads(io.outputs[0], target),
  }],
};

/** One thread per row. */
export const correctTwin: Twin = {
  fills: [0],
  launch: (io, _, target) => [{
    wgsl: correct,
    constants: { C: width(io.inputs[0]) },
    bindings: [...inputs(0, 1), ...outputs(0)],
    groups: threads(io.outputs[0], target),
  }],
};

/** One thread per row. */
export const rowNormsTwin: Twin = {
  fills: [0],
  launch: (io, _, target) => [{
    wgsl: rowNorms,
    constants: { C: width(io.inputs[0]) },
    bindings: [...inputs(0), ...outputs(0)],
    groups: threads(io.outputs[0], target),
  }],
};
