/** Naive sums and sorting. */
import type { ColumnSumAttrs, SumAttrs } from "../../../kernels/reduce/mod.ts";
import { ceilDiv, sizeOf } from "../../../src/base/shape.ts";
import { linearGroups } from "../../../src/graph/wgsl.ts";
import columnSum from "./column_sum.wgsl" with { type: "text" };
import finite from "./finite.wgsl" with { type: "text" };
import argsort from "./argsort.wgsl" with { type: "text" };
import sum from "./sum.wgsl" with { type: "text" };
import treeAdd from "./tree_add.wgsl" with { type: "text" };
import type { Twin } from "../twin.ts";

/** Elements that a thread of the first pass adds. */
const BLOCK = 4096;

/** Sums of blocks, then one thread that adds them. */
export const sumTwin: Twin = {
  fills: [0],
  scratch: ([x]) => [{ shape: [ceilDiv(sizeOf(x?.shape ?? []), BLOCK)], dtype: "f32" }],
  launch({ outputs }, { square = false }: SumAttrs, { groups: limit }) {
    const scratch = outputs.length - 1;
    const blocks = sizeOf(outputs[scratch]?.shape ?? []);
    return [
      {
        wgsl: sum,
        constants: { block: BLOCK, square: square ? 1 : 0 },
        bindings: [{ input: 0 }, { output: scratch }],
        groups: linearGroups(blocks, limit),
      },
      {
        wgsl: sum,
        constants: { block: blocks, square: 0 },
        bindings: [{ output: scratch }, { output: 0 }],
        groups: [1, 1, 1],
      },
    ];
  },
};

/** One thread per element of the input, after a launch that resets the count. */
export const finiteTwin: Twin = {
  fills: [0],
  launch: ({ inputs: [x] }, _, { groups: limit }) =>
    [1, 0].map((clear) => ({
      wgsl: finite,
      constants: { clear },
      bindings: [{ input: 0 }, { output: 0 }],
      groups: clear === 1 ? [1, 1, 1] : linearGroups(sizeOf(x?.shape ?? []), limit),
    })),
};

/** One thread per column. */
export const columnSumTwin: Twin = {
  fills: [0],
  launch: (_, { columns }: ColumnSumAttrs, { groups: limit }) => [{
    wgsl: columnSum,
    constants: { C: sizeOf(columns) },
    bindings: [{ input: 0 }, { output: 0 }],
    groups: linearGroups(sizeOf(columns), limit),
  }],
};

/** One thread per id. */
export const argsortTwin: Twin = {
  fills: [0],
  launch: ({ outputs: [order] }, _, { groups: limit }) => [{
    wgsl: argsort,
    bindings: [{ input: 0 }, { output: 0 }],
    groups: linearGroups(sizeOf(order?.shape ?? []), limit),
  }],
};

/** One thread per element. */
export const treeAddTwin: Twin = {
  fills: [0],
  launch: ({ outputs: [acc] }, _, { groups: limit }) => [{
    wgsl: treeAdd,
    bindings: [{ input: 1 }, { output: 0 }],
    groups: linearGroups(sizeOf(acc?.shape ?? []), limit),
  }],
};
