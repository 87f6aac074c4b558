/**
 * Writes a contiguous slice of a flattened tensor in place: part [...] into whole [...] from
 * element `first` on. `allocate` makes a tensor from its first part; its other elements are
 * undefined until they are written.
 */
import type { Shape } from "../../src/base/shape.ts";
import { showShape, sizeOf } from "../../src/base/shape.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, Op, Spec, Tensor } from "../../src/graph/types.ts";
import { WORKGROUP_SIZE } from "../../src/graph/wgsl.ts";
import { copyKernel } from "./shape_wasm.ts";
import { copyLaunch } from "./copy_wgsl.ts";

/** `first`: destination of the part's first element; `shape`: of the tensor to allocate. */
export interface UpdateSliceAttrs {
  readonly first: number;
  readonly shape?: Shape;
}

/** A new tensor of `shape` that starts with `part`; its other elements are undefined. */
export function allocate(part: Tensor, shape: Shape): Tensor {
  return apply(updateSliceOp, [part], { first: 0, shape });
}

/**
 * Writes `part` into `whole`, flattened, from element `first` on, in place. It has no gradient.
 * @throws {RangeError} when the part exceeds `whole`, or dtypes differ.
 */
export function updateSlice(whole: Tensor, part: Tensor, { first }: UpdateSliceAttrs): Tensor {
  return apply(updateSliceOp, [whole, part], { first });
}

/** The op behind {@linkcode updateSlice}: inputs are whole and part, or the first part alone. */
export const updateSliceOp: Op = {
  name: "update_slice",
  shape(inputs, { first, shape }: UpdateSliceAttrs) {
    const part = inputs.at(-1);
    if (part === undefined || inputs.length !== (shape === undefined ? 2 : 1)) {
      throw new RangeError("Cannot update_slice: it takes a part, and a whole or its shape");
    }
    const whole = shape === undefined ? inputs[0] as Spec : { shape, dtype: part.dtype };
    if (first < 0 || first + sizeOf(part.shape) > sizeOf(whole.shape)) {
      throw new RangeError(
        `Cannot update_slice ${showShape(part.shape)} into ${showShape(whole.shape)} from ` +
          `${first} on: it has ${sizeOf(whole.shape)} elements`,
      );
    }
    if (whole.dtype !== part.dtype) {
      throw new RangeError(`Cannot update_slice ${part.dtype} into ${whole.dtype}`);
    }
    return [whole];
  },
  donate: ({ shape }: UpdateSliceAttrs) => shape === undefined ? [0] : [],
  launch({ inputs }, { first }: UpdateSliceAttrs, target) {
    const at = inputs.length - 1;
    const length = sizeOf((inputs[at] as Spec).shape);
    return [copyLaunch({ from: [at, 0], to: [0, first], length }, target)];
  },
  wasm({ inputs }, { first }: UpdateSliceAttrs) {
    const input = inputs.length - 1;
    return copyKernel({ input, from: 0, to: first, length: sizeOf((inputs[input] as Spec).shape) });
  },
  reference({ inputs, outputs: [y] }, { first }: UpdateSliceAttrs) {
    const part = inputs.at(-1);
    if (y && part) y.data.set(part.data, first);
  },
  cost({ inputs }) {
    return { flops: 0, bytes: 8 * sizeOf(inputs.at(-1)?.shape ?? []), terms: 1 };
  },
  cases: [
    ...[
      WORKGROUP_SIZE - 1,
      WORKGROUP_SIZE,
      WORKGROUP_SIZE + 1,
      4 * WORKGROUP_SIZE,
      4 * WORKGROUP_SIZE + 4,
    ].flatMap((n) => [0, 3, 4, 64].map((first) => putCase("tile", [[n + 70], [n]], { first }))),
    putCase("tile", [[WORKGROUP_SIZE + 1]], { first: 0, shape: [WORKGROUP_SIZE + 1] }),
    putCase("ragged", [[5, 7], [2, 7]], { first: 21 }),
    putCase("ragged", [[5, 16], [2, 16]], { first: 48 }),
    putCase("ragged", [[2, 9]], { first: 0, shape: [4, 9] }),
    putCase("bench", [[4096, 1024], [1024, 1024]], { first: 2 ** 20 }),
  ],
};

function putCase(kind: Case["kind"], shapes: number[][], attrs: UpdateSliceAttrs): Case {
  return { kind, inputs: shapes.map((shape): Spec => ({ shape, dtype: "f32" })), attrs };
}
