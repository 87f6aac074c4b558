/** Naive products of pairs, permutations and reshapes: one thread per element. */
import type { BatchedMatmulAttrs } from "../../kernels/matmul/mod.ts";
import type { PermuteAttrs } from "../../kernels/permute/mod.ts";
import { sizeOf } from "../../src/base/shape.ts";
import type { Spec } from "../../src/graph/types.ts";
import { threadsOver } from "./row_compositions.ts";
import type { Twin } from "./twin.ts";

/** One thread per element of the result. */
export const batchedMatmulTwin: Twin = {
  fills: [0],
  launch({ inputs: [a], outputs: [y] }, { ta, tb }: BatchedMatmulAttrs, target) {
    const [left, { shape }] = [a as Spec, y as Spec];
    const [m, n] = shape.slice(-2) as [number, number];
    const k = left.shape.at(ta ? -2 : -1) as number;
    const body = `let batch = i / ${m * n}u; let row = i / ${n}u % ${m}u; let column = i % ${n}u;
  var sum = 0.0f;
  for (var k = 0u; k < ${k}u; k++) {
    let left = a[batch * ${m * k}u + ${ta ? `k * ${m}u + row` : `row * ${k}u + k`}];
    sum += left * b[batch * ${k * n}u + ${tb ? `column * ${k}u + k` : `k * ${n}u + column`}];
  }
  y[i] = sum;`;
    const io = { inputs: { a: 0, b: 1 }, outputs: { y: 0 }, body };
    return [threadsOver(sizeOf(shape), io, target)];
  },
};

/** One thread per element of the result, with an index computed by every axis. */
export const permuteTwin: Twin = {
  fills: [0],
  launch({ inputs: [x], outputs: [y] }, { axes }: PermuteAttrs, target) {
    const [from, { shape }] = [x as Spec, y as Spec];
    const terms = axes.map((axis, i) => {
      const inner = sizeOf(shape.slice(i + 1));
      const stride = sizeOf(from.shape.slice(axis + 1));
      return `(i / ${inner}u % ${shape[i]}u) * ${stride}u`;
    });
    const body = `y[i] = x[${terms.join(" + ")}];`;
    const io = { inputs: { x: 0 }, outputs: { y: 0 }, body };
    return [threadsOver(sizeOf(shape), io, target)];
  },
};

/** One thread per element. */
export const reshapeTwin: Twin = {
  fills: [0],
  launch({ outputs: [y] }, _, target) {
    const io = { inputs: { x: 0 }, outputs: { y: 0 }, body: "y[i] = x[i];" };
    return [threadsOver(sizeOf((y as Spec).shape), io, target)];
  },
};
