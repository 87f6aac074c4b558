/**
 * Which tensors are one piece of memory: an output that takes the place of an input (`donate`) is
 * where that input was, and so on along the calls. It meets ops only through their interface.
 */
import { sizeOf } from "../base/shape.ts";
import type { Call, Tensor } from "../graph/types.ts";

/** The tensor at whose place each tensor lies that a call made in place; others lie at their own. */
export type Roots = ReadonlyMap<Tensor, Tensor>;

/**
 * Roots of the tensors of `calls`.
 * @throws {RangeError} when a call reads what an earlier one has overwritten.
 */
export function rootsOf(calls: readonly Call<Tensor>[]): Roots {
  const roots = new Map<Tensor, Tensor>();
  const gone = new Map<Tensor, string>();
  for (const { op, attrs, inputs, outputs } of calls) {
    for (const input of inputs) {
      const by = gone.get(input);
      if (by === undefined) continue;
      throw new RangeError(`Cannot run ${op.name} behind ${by}: it reads what that overwrites`);
    }
    op.donate?.(attrs).forEach((from, k) => {
      if (from === undefined) return;
      const [input, output] = [inputs[from] as Tensor, outputs[k] as Tensor];
      if (sizeOf(input.shape) !== sizeOf(output.shape)) {
        throw new RangeError(`Cannot run ${op.name} in place: sizes of input and output differ`);
      }
      roots.set(output, roots.get(input) ?? input);
      gone.set(input, op.name);
    });
  }
  return roots;
}
