/** Tensors one behind the other, in row-major order: any number of inputs -> `shape`. */
import type { Shape } from "../src/base/shape.ts";
import { showShape, sizeOf } from "../src/base/shape.ts";
import { apply } from "../src/graph/trace.ts";
import type { Case, Op, Spec, Tensor } from "../src/graph/types.ts";
import { LINE } from "../src/graph/wgsl.ts";
import { copyLaunch } from "./copy_wgsl.ts";

/** `shape`: that of the result. */
export interface JoinAttrs {
  readonly shape: Shape;
}

/** The elements of `parts`, one part behind the other, as `shape`. It has no gradient. */
export function join(parts: readonly Tensor[], { shape }: JoinAttrs): Tensor {
  return apply(joinOp, parts, { shape });
}

/** The op behind {@linkcode join}: a launch for each input. */
export const joinOp: Op = {
  name: "join",
  shape(inputs, { shape }: JoinAttrs) {
    const total = inputs.reduce((sum, spec) => sum + sizeOf(spec.shape), 0);
    if (inputs.length === 0 || total !== sizeOf(shape)) {
      throw new RangeError(
        `Cannot join ${inputs.length} tensors into ${
          showShape(shape)
        }: they have ${total} elements`,
      );
    }
    const dtype = (inputs[0] as Spec).dtype;
    if (inputs.some((spec) => spec.dtype !== dtype)) {
      throw new RangeError("Cannot join tensors of several element types");
    }
    return [{ shape, dtype }];
  },
  launch({ inputs }, _, target) {
    let at = 0;
    return inputs.map((spec, input) => {
      const length = sizeOf(spec.shape);
      const first = at;
      at += length;
      return copyLaunch({ from: [input, 0], to: [0, first], length }, target);
    });
  },
  reference({ inputs, outputs: [y] }) {
    let at = 0;
    for (const { data } of inputs) {
      y?.data.set(data, at);
      at += data.length;
    }
  },
  cost({ outputs: [y] }) {
    return { flops: 0, bytes: 8 * sizeOf(y?.shape ?? []), terms: 1 };
  },
  cases: [
    ...[LINE - 1, LINE, LINE + 1, 4 * LINE + 4].map((n) => joinCase("tile", [n], [n])),
    joinCase("ragged", [3, 5], [2, 5], [1, 5]),
    joinCase("ragged", [12], [61], [1], [130]),
    joinCase("bench", [1024, 1024], [1024, 1024]),
  ],
};

function joinCase(kind: Case["kind"], ...shapes: number[][]): Case {
  const total = shapes.reduce((sum, shape) => sum + sizeOf(shape), 0);
  const inputs = shapes.map((shape): Spec => ({ shape, dtype: "f32" }));
  return { kind, inputs, attrs: { shape: [total] } };
}
