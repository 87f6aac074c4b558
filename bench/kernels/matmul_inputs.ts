/** Inputs of products that are timed, and the comparison of their results. */
import { fold, rootKey, uniforms } from "../../src/base/random.ts";
import type { Memory } from "../../src/device/types.ts";
import type { Spec } from "../../src/graph/types.ts";
import { tolerance } from "../../src/testing/tolerance.ts";
import type { Shape } from "./matmul_shapes.ts";

/** Random numbers that inputs are filled with, repeated. */
const BLOCK = 2 ** 16;
/** Elements of a result that are compared, at its start and at its end. */
const COMPARED = 4096;

/** Attributes of a product. */
export const attrsOf = ({ ta, tb }: Shape): Pick<Shape, "ta" | "tb"> => ({ ta, tb });

/** The specs of both matrices. */
export function inputsOf({ m, n, k, ta, tb }: Shape): Spec[] {
  const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });
  return [ta ? f32(k, m) : f32(m, k), tb ? f32(n, k) : f32(k, n)];
}

/** Random inputs: on zeros a GPU draws less power and runs faster. */
export function fill(
  { shape }: Spec,
  { memory, slot, input }: { memory: Memory; slot: string; input: number },
): void {
  const block = Float32Array.from(uniforms(fold(rootKey(1), input), BLOCK, [-1, 1]));
  const total = shape.reduce((a, b) => a * b, 1);
  for (let at = 0; at < total; at += BLOCK) {
    memory.write(slot, block.subarray(0, Math.min(BLOCK, total - at)), at);
  }
}

/** The first and the last elements of a result. */
export async function endsOf({ m, n }: Shape, memory: Memory): Promise<Float32Array> {
  const length = Math.min(COMPARED, m * n);
  return await memory.read([0, m * n - length].map((offset) => ({ slot: "y0", offset, length })));
}

/** @throws {Error} when two kernels of a product disagree. */
export function requireEqual(
  { name: product, k }: Shape,
  want: Float32Array,
  { got, name }: { got: Float32Array; name: string },
): void {
  const bound = 2 * tolerance(k + 64, want.reduce((m, v) => Math.max(m, Math.abs(v)), 0));
  const at = want.findIndex((v, i) => !(Math.abs(v - (got[i] as number)) <= bound));
  if (at < 0) return;
  throw new Error(
    `Cannot time ${product} by ${name}: kernels must agree: ${want[at]} and ${got[at]} at ${at}`,
  );
}
