/**
 * Correct predictions, for accuracy: logits [..., V], targets u32 [...] -> [R], 1 where the argmax
 * of the row is its target, else 0. Ties resolve to the lowest class id. A row whose target is
 * `IGNORE` or no class, or that contains a NaN, has 0. It has no gradient.
 */
import { sameShape, showShape, sizeOf } from "../../src/base/shape.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, Op, Spec, Tensor, View } from "../../src/graph/types.ts";
import wgsl from "./correct.wgsl" with { type: "text" };
import { correctKernel } from "./cross_entropy_wasm.ts";
import { IGNORE } from "../../src/base/ignore.ts";
import { rowKernel } from "../emit/rows.ts";
import { rowSizes } from "../reduce/row_sizes.ts";

/**
 * Correct predictions: f32 [R], 1 where the argmax of a row of `logits` f32 [..., V] is its target
 * in `targets` u32 [...], else 0. @throws {RangeError} when leading axes differ or targets are not
 * u32.
 */
export function correct(logits: Tensor, targets: Tensor): Tensor {
  return apply(correctOp, [logits, targets]);
}

/** The op behind {@linkcode correct}. */
export const correctOp: Op = {
  name: "correct",
  shape([logits, targets]) {
    if (!logits || !targets) {
      throw new RangeError("Cannot tell what is correct: it takes two inputs");
    }
    if (!sameShape(logits.shape.slice(0, -1), targets.shape)) {
      throw new RangeError(
        `Cannot tell what is correct of ${showShape(logits.shape)} by targets ` +
          `${showShape(targets.shape)}: leading axes differ`,
      );
    }
    if (targets.dtype !== "u32") {
      throw new RangeError("Cannot tell what is correct: targets must be u32");
    }
    return [{ shape: [sizeOf(targets.shape)], dtype: "f32" }];
  },
  launch({ inputs: [logits, targets] }, _, target) {
    if (!logits || !targets) return [];
    const columns = logits.shape.at(-1) as number;
    const { prelude, groups } = rowKernel(sizeOf(targets.shape), columns, target);
    return [{
      wgsl: prelude + wgsl,
      bindings: [{ input: 0 }, { input: 1 }, { output: 0 }],
      groups,
    }];
  },
  wasm: ({ inputs: [logits] }) => correctKernel(rowSizes(logits as Spec)),
  reference({ inputs: [logits, targets], outputs: [hits] }) {
    if (!logits || !targets || !hits) return;
    const columns = logits.shape.at(-1) as number;
    for (let row = 0; row < hits.data.length; row++) {
      const label = targets.data[row] as number;
      const own = logits.data[row * columns + label] as number;
      let hit = label < columns;
      for (let c = 0; c < columns && hit; c++) {
        const z = logits.data[row * columns + c] as number;
        hit = c < label ? z < own : z <= own;
      }
      hits.data[row] = hit ? 1 : 0;
    }
  },
  cost({ inputs: [logits, targets] }) {
    const [n, rows] = [sizeOf(logits?.shape ?? []), sizeOf(targets?.shape ?? [])];
    return { flops: 2 * n, bytes: 4 * (n + 2 * rows), terms: 1 };
  },
  cases: [
    ...[1, 3, 4, 5, 63, 64, 65].map((columns) => correctCase("tile", 13, columns)),
    ...[1, 7, 8, 64].map((rows) => correctCase("tile", rows, 83)),
    correctCase("ragged", 3, 5, 1031),
    correctCase("ragged", 3, 6, 1032),
    correctCase("ragged", 3, 50257),
    correctCase("ragged", 2, 65536),
    correctCase("ragged", 3, 65532),
    correctCase("bench", 2048, 128),
    correctCase("bench", 256, 50257),
  ],
};

function correctCase(kind: Case["kind"], ...shape: number[]): Case {
  return {
    kind,
    inputs: [{ shape, dtype: "f32" }, { shape: shape.slice(0, -1), dtype: "u32" }],
    attrs: {},
    below: { 1: shape.at(-1) as number },
    fill,
  };
}

/**
 * Rounds logits to a few values, so that many tie. Targets of rows cycle through the first of the
 * largest logits, the last of them, a random class, and `IGNORE`.
 */
function fill([logits, targets]: readonly View[]): void {
  if (!logits || !targets) return;
  const columns = logits.shape.at(-1) as number;
  logits.data.forEach((v: number, i: number) => logits.data[i] = Math.round(8 * v));
  targets.data.forEach((_: number, row: number) => {
    const z = Array.from(logits.data.subarray(row * columns, (row + 1) * columns));
    const largest = z.reduce((a, b) => Math.max(a, b));
    if (row % 4 === 0) targets.data[row] = z.indexOf(largest);
    if (row % 4 === 1) targets.data[row] = z.lastIndexOf(largest);
    if (row % 4 === 3) targets.data[row] = IGNORE;
  });
}
