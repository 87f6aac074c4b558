/** Source tensors of a trace, with the values that a test gives them. */
import { rootKey, uniforms } from "../../../src/base/random.ts";
import { sizeOf } from "../../../src/base/shape.ts";
import { newTrace } from "../../../src/graph/trace.ts";
import type { Tensor, Trace } from "../../../src/graph/types.ts";

/** A trace, and the values of its sources by name. */
export interface Sources {
  readonly trace: Trace;
  readonly values: Record<string, ArrayLike<number>>;
  /** A source of random values in [-2, 2). */
  f32(name: string, shape: readonly number[]): Tensor;
  /** A source of numbers by index. */
  u32(name: string, shape: readonly number[], value: (at: number) => number): Tensor;
}

/** A new trace without sources. */
export function sources(): Sources {
  const trace = newTrace();
  const values: Record<string, ArrayLike<number>> = {};
  return {
    trace,
    values,
    f32(name, shape) {
      values[name] = uniforms(rootKey(name.length + name.charCodeAt(0)), sizeOf(shape), [-2, 2]);
      return trace.source({ shape, dtype: "f32" }, "batch", name);
    },
    u32(name, shape, value) {
      values[name] = Uint32Array.from({ length: sizeOf(shape) }, (_, at) => value(at));
      return trace.source({ shape, dtype: "u32" }, "batch", name);
    },
  };
}
