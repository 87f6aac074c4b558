/** A contiguous slice of the flattened tensor: x [...] -> `shape`. */
import type { Shape } from "../../src/base/shape.ts";
import { showShape, sizeOf } from "../../src/base/shape.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, DType, Op, Tensor } from "../../src/graph/types.ts";
import { WORKGROUP_SIZE } from "../../src/graph/wgsl.ts";
import { copyKernel } from "./shape_wasm.ts";
import { copyLaunch } from "./copy_wgsl.ts";

/** `first`: index of the first element; `shape`: of the result. */
export interface SliceAttrs {
  readonly first: number;
  readonly shape: Shape;
}

/**
 * Elements of `x`, flattened, from `first` on, as a tensor of `shape`. It has no gradient.
 * @throws {RangeError} when the slice exceeds x.
 */
export function slice(x: Tensor, { first, shape }: SliceAttrs): Tensor {
  return apply(sliceOp, [x], { first, shape });
}

/** The op behind {@linkcode slice}. */
export const sliceOp: Op = {
  name: "slice",
  shape([x], { first, shape }: SliceAttrs) {
    if (!x) throw new RangeError("Cannot slice: it takes one input");
    const length = sizeOf(shape);
    if (first < 0 || length < 1 || first + length > sizeOf(x.shape)) {
      throw new RangeError(
        `Cannot slice ${length} elements from ${first} on of ${showShape(x.shape)}: ` +
          `it has ${sizeOf(x.shape)}`,
      );
    }
    return [{ shape, dtype: x.dtype }];
  },
  launch(_, { first, shape }: SliceAttrs, target) {
    return [copyLaunch({ from: [0, first], to: [0, 0], length: sizeOf(shape) }, target)];
  },
  wasm: (_, { first, shape }: SliceAttrs) =>
    copyKernel({ input: 0, from: first, to: 0, length: sizeOf(shape) }),
  reference({ inputs: [x], outputs: [y] }, { first }: SliceAttrs) {
    if (!x || !y) return;
    y.data.set(x.data.subarray(first, first + y.data.length));
  },
  cost({ outputs: [y] }) {
    return { flops: 0, bytes: 8 * sizeOf(y?.shape ?? []), terms: 1 };
  },
  cases: [
    ...[
      WORKGROUP_SIZE - 1,
      WORKGROUP_SIZE,
      WORKGROUP_SIZE + 1,
      4 * WORKGROUP_SIZE,
      4 * WORKGROUP_SIZE + 4,
    ].flatMap((n) =>
      [0, 3, 4, 64].map((first) => sliceCase("tile", [n + 70], { first, shape: [n] }))
    ),
    sliceCase("ragged", [3, 5, 7], { first: 35, shape: [2, 35] }),
    sliceCase("ragged", [5, 16], { first: 48, shape: [2, 16] }),
    sliceCase("ragged", [5, 9], { first: 9, shape: [4, 9] }, "u32"),
    sliceCase("bench", [4096, 1024], { first: 2 ** 20, shape: [1024, 1024] }),
  ],
};

function sliceCase(
  kind: Case["kind"],
  shape: number[],
  attrs: SliceAttrs,
  dtype: DType = "f32",
): Case {
  return { kind, inputs: [{ shape, dtype }], attrs };
}
