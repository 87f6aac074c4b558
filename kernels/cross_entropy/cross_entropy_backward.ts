/**
 * Gradient of cross_entropy: logits [..., V], targets u32 [...], lse [R], dloss [R] ->
 * dlogits [..., V] = (exp(logits - lse) - [column is the target]) * dloss; 0 in ignored rows.
 */
import { sameShape, showShape, sizeOf } from "../../src/base/shape.ts";
import type { Case, Op, Spec, View } from "../../src/graph/types.ts";
import wgsl from "./cross_entropy_backward.wgsl" with { type: "text" };
import { crossEntropyBackwardKernel } from "./cross_entropy_wasm.ts";
import { IGNORE } from "../../src/base/ignore.ts";
import { rowKernel } from "../emit/rows.ts";
import { rowSizes } from "../reduce/row_sizes.ts";

/** The op; `cross_entropy`'s vjp applies it. */
export const crossEntropyBackwardOp: Op = {
  name: "cross_entropy_backward",
  shape([logits, targets, lse, dloss]) {
    if (!logits || !targets || !lse || !dloss) {
      throw new RangeError("Cannot cross_entropy_backward: it takes four inputs");
    }
    const rows = sizeOf(logits.shape) / (logits.shape.at(-1) ?? 1);
    for (const [name, { shape }] of [["lse", lse], ["dloss", dloss]] as const) {
      if (sameShape(shape, [rows])) continue;
      throw new RangeError(
        `Cannot cross_entropy_backward ${showShape(logits.shape)} with ${name} ` +
          `${showShape(shape)}: its axis 0 must be ${rows}`,
      );
    }
    if (sizeOf(targets.shape) !== rows) {
      throw new RangeError(
        `Cannot cross_entropy_backward ${showShape(logits.shape)} with targets ` +
          `${showShape(targets.shape)}: leading axes differ`,
      );
    }
    return [logits];
  },
  launch({ inputs: [logits, targets] }, _, target) {
    if (!logits || !targets) return [];
    const columns = logits.shape.at(-1) as number;
    const { prelude, groups } = rowKernel(sizeOf(targets.shape), columns, target);
    return [{
      wgsl: prelude + wgsl,
      constants: { ignore: IGNORE },
      bindings: [{ input: 0 }, { input: 1 }, { input: 2 }, { input: 3 }, { output: 0 }],
      groups,
    }];
  },
  wasm: ({ inputs: [logits] }) => crossEntropyBackwardKernel(rowSizes(logits as Spec)),
  reference({ inputs: [logits, targets, lse, dloss], outputs: [dlogits] }) {
    if (!logits || !targets || !lse || !dloss || !dlogits) return;
    const columns = logits.shape.at(-1) as number;
    for (let i = 0; i < logits.data.length; i++) {
      const row = Math.floor(i / columns);
      const label = targets.data[row] as number;
      const p = Math.exp((logits.data[i] as number) - (lse.data[row] as number));
      const hit = label === i % columns ? 1 : 0;
      dlogits.data[i] = label === IGNORE ? 0 : (p - hit) * (dloss.data[row] as number);
    }
  },
  cost({ inputs: [logits, targets] }) {
    const [n, rows] = [sizeOf(logits?.shape ?? []), sizeOf(targets?.shape ?? [])];
    return { flops: 10 * n, bytes: 4 * (2 * n + 3 * rows), terms: 64 };
  },
  cases: [
    ...[1, 3, 4, 5, 63, 64, 65].map((columns) => backwardCase("tile", 9, columns)),
    backwardCase("ragged", 3, 5, 83),
    backwardCase("ragged", 3, 7, 84),
    backwardCase("ragged", 3, 50257),
    backwardCase("ragged", 2, 65536),
    backwardCase("ragged", 3, 65532),
    backwardCase("bench", 2048, 128),
    backwardCase("bench", 256, 50257),
  ],
};

function backwardCase(kind: Case["kind"], ...shape: number[]): Case {
  const columns = shape.at(-1) as number;
  const rows = sizeOf(shape) / columns;
  return {
    kind,
    inputs: [
      { shape, dtype: "f32" },
      { shape: shape.slice(0, -1), dtype: "u32" },
      { shape: [rows], dtype: "f32" },
      { shape: [rows], dtype: "f32" },
    ],
    attrs: {},
    below: { 1: columns },
    range: { 0: [-8, 8] },
    fill,
  };
}

/** Computes lse from the logits, and ignores every third row. */
function fill([logits, targets, lse]: readonly View[]): void {
  if (!logits || !targets || !lse) return;
  const columns = logits.shape.at(-1) as number;
  lse.data.forEach((_: number, row: number) => {
    let total = 0;
    for (let c = 0; c < columns; c++) total += Math.exp(logits.data[row * columns + c] as number);
    lse.data[row] = Math.log(total);
    if (row % 3 === 2) targets.data[row] = IGNORE;
  });
}
