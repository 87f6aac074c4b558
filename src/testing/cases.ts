/** Turns an op's cases into graphs with random inputs, for every device alike. */
import { fold, rootKey, threefry, uniforms } from "../base/random.ts";
import { sizeOf } from "../base/shape.ts";
import { applyAll, newTrace } from "../graph/trace.ts";
import type { Case, Op, Spec, Tensor, View } from "../graph/types.ts";
import { compile } from "../plan/compile.ts";
import type { Plan } from "../plan/types.ts";

/** Name of a case, for test names. */
export function caseName(op: Op, { kind, inputs, attrs }: Case): string {
  const shapes = inputs.map((s) => `[${s.shape.join(",")}]`).join(" ");
  const flags = Object.entries(attrs).filter(([, v]) => v !== undefined && typeof v !== "object")
    .map(([k, v]) => `${k}=${v}`);
  return [op.name, kind, shapes, ...flags].join(" ");
}

/** Random values for the inputs of a case; the same at every call. */
export function randomInputs({ inputs, below = {}, range = {}, fill }: Case): View[] {
  const views = inputs.map((spec, i): View => {
    const key = fold(rootKey(1), i);
    const n = sizeOf(spec.shape);
    if (spec.dtype === "u32") {
      const bound = below[i] ?? 2 ** 32;
      return {
        ...spec,
        data: Uint32Array.from({ length: n }, (_, k) => threefry(key, k, 0)[0] % bound),
      };
    }
    return { ...spec, data: uniforms(key, n, range[i] ?? [-1, 1]) };
  });
  fill?.(views);
  return views;
}

/** A graph of one call, its inputs named x0, x1... and its outputs y0, y1... */
export function planOf(op: Op, inputs: readonly Spec[], attrs: unknown): Plan {
  const trace = newTrace();
  const sources = inputs.map((spec, i): Tensor => trace.source(spec, "batch", `x${i}`));
  const outputs = applyAll(op, sources, attrs);
  // An output that takes the place of an input is read there.
  const donated = op.donate?.(attrs) ?? [];
  const results = Object.fromEntries(
    outputs.flatMap((t, k) => donated[k] === undefined ? [[`y${k}`, t]] : []),
  );
  const { calls, constants } = trace;
  return compile({ calls, constants, results }, { fuse: false });
}

/** Slot that holds output k after a run. */
export function outputSlot(op: Op, attrs: unknown, k: number): string {
  const donated = op.donate?.(attrs)?.[k];
  return donated === undefined ? `y${k}` : `x${donated}`;
}
