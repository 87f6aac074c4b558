/**
 * Slices, concatenation and means along any axis, by the ops of the last and of the time axis:
 * reshapes between them are views.
 */
import { showShape, sizeOf } from "../../src/base/shape.ts";
import type { Tensor } from "../../src/graph/types.ts";
import { concat } from "./concat.ts";
import { poolTime } from "./pool_time.ts";
import { reshape } from "./reshape.ts";
import { sliceLast } from "./slice_last.ts";

/** Sizes before an axis, of it and behind it. @throws {RangeError} when x has no such axis. */
function around({ shape }: Tensor, axis: number, action: string): [number, number, number] {
  const size = shape[axis];
  if (size === undefined) {
    throw new RangeError(`Cannot ${action} ${showShape(shape)} along axis ${axis}: it has no such`);
  }
  return [sizeOf(shape.slice(0, axis)), size, sizeOf(shape.slice(axis + 1))];
}

/**
 * Concatenates `a` and `b` f32 along `axis`, where their sizes may differ.
 * @throws {RangeError} when they have no such axis, or other axes differ.
 */
export function concatAxis(a: Tensor, b: Tensor, axis: number): Tensor {
  const parts = [a, b].map((t) => around(t, axis, "concat"));
  const [outer, , inner] = parts[0] as [number, number, number];
  const total = parts.reduce((sum, [, size]) => sum + size, 0);
  const shape = a.shape.with(axis, total);
  if (showShape(shape) !== showShape(b.shape.with(axis, total))) {
    throw new RangeError(
      `Cannot concat ${showShape(a.shape)} and ${showShape(b.shape)} along axis ${axis}: ` +
        "other axes differ",
    );
  }
  const [left, right] = [a, b].map((t, i) => reshape(t, [outer, (parts[i]?.[1] ?? 1) * inner]));
  return reshape(concat(left as Tensor, right as Tensor), shape);
}

/**
 * Elements `first` to `first + count - 1` of `x` f32 along `axis`.
 * @throws {RangeError} when x has no such axis, or the range exceeds it.
 */
export function sliceAxis(
  x: Tensor,
  { axis, first, count }: { axis: number; first: number; count: number },
): Tensor {
  const [outer, size, inner] = around(x, axis, "slice");
  if (first < 0 || count < 1 || first + count > size) {
    throw new RangeError(
      `Cannot slice ${count} elements from ${first} on of ${showShape(x.shape)} along axis ` +
        `${axis}: it has ${size}`,
    );
  }
  const range = { first: first * inner, count: count * inner };
  const rows = sliceLast(reshape(x, [outer, size * inner]), range);
  return reshape(rows, x.shape.with(axis, count));
}

/**
 * Mean of `x` f32 along `axis`, which has size 1 in the result.
 * @throws {RangeError} when x has no such axis.
 */
export function meanAxis(x: Tensor, axis: number): Tensor {
  const sizes = around(x, axis, "average");
  return reshape(poolTime(reshape(x, sizes), "mean"), x.shape.with(axis, 1));
}
