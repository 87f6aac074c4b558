/** Parameter values of tests and benches. */
import { foldName, rootKey, uniforms } from "../base/random.ts";
import { sizeOf } from "../base/shape.ts";
import type { Param } from "../nn/scope.ts";

/** Values of a parameter that are far from special: gains near 1, all else near 0. */
export function someValues({ name, shape, init }: Param): Float32Array {
  const middle = init.kind === "ones" ? 1 : 0;
  const key = foldName(rootKey(31), name);
  return uniforms(key, sizeOf(shape), [middle - 0.4, middle + 0.4]);
}
