/**
 * Permutation of axes: axis i of the result is axis `axes[i]` of x. Each invocation writes one
 * element, or four where the last axis stays the last one.
 */
import type { Shape } from "../../src/base/shape.ts";
import { showShape, sizeOf } from "../../src/base/shape.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, Launch, Op, Spec, Tensor } from "../../src/graph/types.ts";
import { linearGroups, linearHead } from "../../src/graph/wgsl.ts";
import { permuteKernel } from "./permute_wasm.ts";
import { itemWgsl, itemWidth } from "../emit/rows.ts";

/** Attributes of a permutation. */
export interface PermuteAttrs {
  /** The axis of x for each axis of the result. */
  readonly axes: readonly number[];
}

/**
 * `x` f32 with its axes in the order `axes`, each once.
 * @throws {RangeError} when `axes` is no permutation of them.
 */
export function permuteAxes(x: Tensor, axes: readonly number[]): Tensor {
  return apply(permuteOp, [x], { axes });
}

/** `x` f32 [..., M, N] as [..., N, M]. @throws {RangeError} when x has less than two axes. */
export function transposeLast(x: Tensor): Tensor {
  const last = x.shape.length - 1;
  if (last < 1) {
    throw new RangeError(`Cannot transposeLast ${showShape(x.shape)}: need [..., M, N]`);
  }
  return permuteAxes(x, [...x.shape.keys()].slice(0, -2).concat(last, last - 1));
}

/** Elements between neighbours along each axis. */
function stridesOf(shape: Shape): number[] {
  return shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
}

/** Sizes of the result, and for each of its axes the stride in x. */
function walkOf({ shape }: Spec, { axes }: PermuteAttrs): { sizes: Shape; strides: Shape } {
  const strides = stridesOf(shape);
  return {
    sizes: axes.map((axis) => shape[axis] as number),
    strides: axes.map((axis) => strides[axis] as number),
  };
}

function launch(x: Spec, attrs: PermuteAttrs, limit: number): Launch {
  const { sizes, strides } = walkOf(x, attrs);
  const isLastKept = strides.at(-1) === 1;
  const width = isLastKept ? itemWidth(sizes.at(-1) ?? 1) : 1;
  const n = sizeOf(x.shape) / width;
  const groups = linearGroups(n, limit);
  // From the last axis on: the index along it is the remainder, in items for the last one.
  const steps = sizes.map((size, axis) => {
    const isLast = axis === sizes.length - 1;
    const [count, stride] = isLast && isLastKept
      ? [size / width, 1]
      : [size, (strides[axis] as number) / width];
    return `at += rest % ${count}u * ${stride}u; rest /= ${count}u;`;
  }).reverse();
  const wgsl = `${itemWgsl(width)}
@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read_write> y: array<Item>;
${linearHead(n, groups)}
  var rest = i;
  var at = 0u;
  ${steps.join("\n  ")}
  y[i] = x[at];
}
`;
  return { wgsl, bindings: [{ input: 0 }, { output: 0 }], groups };
}

/** The op behind {@linkcode permuteAxes}. */
export const permuteOp: Op = {
  name: "permute",
  shape([x], { axes }: PermuteAttrs) {
    const rank = x?.shape.length ?? 0;
    const isPermutation = axes.length === rank &&
      axes.toSorted((a, b) => a - b).every((axis, i) => axis === i);
    if (x === undefined || !isPermutation) {
      throw new RangeError(
        `Cannot permute ${showShape(x?.shape ?? [])} by axes ${showShape(axes)}: ` +
          "need each of its axes once",
      );
    }
    return [{ shape: axes.map((axis) => x.shape[axis] as number), dtype: "f32" }];
  },
  launch: ({ inputs: [x] }, attrs: PermuteAttrs, target) => [
    launch(x as Spec, attrs, target.groups),
  ],
  wasm: ({ inputs: [x] }, attrs: PermuteAttrs) => {
    const { sizes, strides } = walkOf(x as Spec, attrs);
    return permuteKernel(sizes, strides);
  },
  reference({ inputs: [x], outputs: [y] }, attrs: PermuteAttrs) {
    if (!x || !y) return;
    const { sizes, strides } = walkOf(x, attrs);
    for (let i = 0; i < y.data.length; i++) {
      let [rest, at] = [i, 0];
      for (let axis = sizes.length - 1; axis >= 0; axis--) {
        const size = sizes[axis] as number;
        at += rest % size * (strides[axis] as number);
        rest = Math.floor(rest / size);
      }
      y.data[i] = x.data[at] as number;
    }
  },
  cost({ outputs: [y] }) {
    return { flops: 0, bytes: 8 * sizeOf(y?.shape ?? []), terms: 1 };
  },
  vjp(_, [dy], { axes }: PermuteAttrs) {
    return dy ? [permuteAxes(dy, axes.map((_, axis) => axes.indexOf(axis)))] : [];
  },
  cases: [
    ...[1, 7, 8, 63, 64, 65].map((n) => permuteCase("tile", [n, 5], [1, 0])),
    ...[1, 3, 4, 5].map((n) => permuteCase("tile", [3, 7, n], [1, 0, 2])),
    permuteCase("ragged", [2, 3, 5, 4], [0, 2, 1, 3]),
    permuteCase("ragged", [2, 3, 5, 7], [0, 2, 1, 3]),
    permuteCase("ragged", [2, 3, 5, 7], [3, 0, 2, 1]),
    permuteCase("ragged", [6], [0]),
    permuteCase("bench", [16, 64, 4, 32], [0, 2, 1, 3]),
    permuteCase("bench", [1024, 512], [1, 0]),
  ],
};

function permuteCase(kind: Case["kind"], shape: number[], axes: readonly number[]): Case {
  return { kind, inputs: [{ shape, dtype: "f32" }], attrs: { axes } };
}
