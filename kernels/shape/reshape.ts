/** Another shape for the same elements in row-major order: x [...] -> `shape`. */
import type { Shape } from "../../src/base/shape.ts";
import { showShape, sizeOf } from "../../src/base/shape.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, DType, Op, Tensor } from "../../src/graph/types.ts";
import { copyKernel } from "./shape_wasm.ts";
import { copyLaunch } from "./copy_wgsl.ts";

/** Attributes of a reshape. */
export interface ReshapeAttrs {
  /** The new shape. */
  readonly shape: Shape;
}

/**
 * The elements of `x` in row-major order as a tensor of `shape`, in which one axis may be -1: the
 * size that remains. A plan makes no copy, except of a result.
 * @throws {RangeError} when the sizes differ.
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const known = sizeOf(shape.filter((n) => n !== -1));
  return apply(reshapeOp, [x], {
    shape: shape.map((n) => n === -1 ? sizeOf(x.shape) / known : n),
  });
}

/** The op behind {@linkcode reshape}. */
export const reshapeOp: Op = {
  name: "reshape",
  isView: true,
  shape([x], { shape }: ReshapeAttrs) {
    const fits = shape.every((n) => Number.isInteger(n) && n > 0);
    if (x === undefined || !fits || sizeOf(shape) !== sizeOf(x.shape)) {
      throw new RangeError(
        `Cannot reshape ${showShape(x?.shape ?? [])} to ${showShape(shape)}: sizes are ` +
          `${sizeOf(x?.shape ?? [])} and ${sizeOf(shape)}`,
      );
    }
    return [{ shape, dtype: x.dtype }];
  },
  launch(_, { shape }: ReshapeAttrs, target) {
    return [copyLaunch({ from: [0, 0], to: [0, 0], length: sizeOf(shape) }, target)];
  },
  wasm: (_, { shape }: ReshapeAttrs) =>
    copyKernel({ input: 0, from: 0, to: 0, length: sizeOf(shape) }),
  reference({ inputs: [x], outputs: [y] }) {
    if (x && y) y.data.set(x.data);
  },
  cost({ outputs: [y] }) {
    return { flops: 0, bytes: 8 * sizeOf(y?.shape ?? []), terms: 1 };
  },
  vjp: ({ inputs: [x] }, [dy]) => x && dy ? [reshape(dy, x.shape)] : [],
  cases: [
    ...[63, 64, 65, 256, 260].map((n) => reshapeCase("tile", [n, 3], [3, n])),
    reshapeCase("ragged", [3, 5, 7], [15, 7]),
    reshapeCase("ragged", [4, 9], [2, 18], "u32"),
    reshapeCase("bench", [1024, 1024], [2048, 512]),
  ],
};

function reshapeCase(
  kind: Case["kind"],
  from: readonly number[],
  shape: readonly number[],
  dtype: DType = "f32",
): Case {
  return { kind, inputs: [{ shape: from, dtype }], attrs: { shape } };
}
