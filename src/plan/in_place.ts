/**
 * Aliases of in-place updates: an output that reuses an input's buffer (`donate`) has the address
 * of that input, transitively.
 */
import { sizeOf } from "../base/shape.ts";
import type { Call, Tensor } from "../graph/types.ts";

/** The root tensor whose buffer each in-place output reuses; other tensors are their own root. */
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
