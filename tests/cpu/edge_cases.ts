/**
 * Cases of values and sizes that cases of the op table leave out: ids that name no row, numbers that
 * are not finite, subnormals, and sizes at the edges of the CPU device's tiles.
 */
import {
  correctOp,
  crossEntropyBackwardOp,
  crossEntropyOp,
} from "../../kernels/cross_entropy/mod.ts";
import { embeddingBackwardOp, embeddingOp } from "../../kernels/embedding/mod.ts";
import { permuteOp } from "../../kernels/permute/mod.ts";
import { columnSum, rowMaxOp, rowNormsOp, sumOp, treeAddOp } from "../../kernels/reduce/mod.ts";
import { logSoftmaxOp, softmaxOp } from "../../kernels/softmax/mod.ts";
import { IGNORE } from "../../src/base/ignore.ts";
import type { Case, Op, Spec, View } from "../../src/graph/types.ts";

const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });
const u32 = (...shape: number[]): Spec => ({ shape, dtype: "u32" });

type Tried = { readonly op: Op; readonly test: Case };

function tried(op: Op, inputs: readonly Spec[], more: Partial<Case> = {}): Tried {
  return { op, test: { kind: "ragged", inputs, attrs: {}, ...more } };
}

/** Numbers whose sums, maxima and comparisons have rules of their own. */
const SPECIAL = [0, -0, 1, -1, 1e-40, -1e-40, 2 ** -126, 3e38, -3e38, Infinity, -Infinity, NaN];

/** Each element of `special` beside each other one. */
function fillPairs([a, c]: readonly View[]): void {
  a?.data.forEach((_: number, i: number) => {
    a.data[i] = SPECIAL[i % SPECIAL.length] as number;
    if (c) c.data[i] = SPECIAL[Math.floor(i / SPECIAL.length) % SPECIAL.length] as number;
  });
}

const [ROWS, CLASSES] = [11, 37];

/** Targets: three classes, then ids that are none. Rows 5 and 6 have a NaN, 7 and 8 infinities. */
function fillTargets([logits, targets, lse]: readonly View[]): void {
  targets?.data.set([0, 36, 17, IGNORE, 37, 3, IGNORE, 4, 5, 0xfffffffe, 12]);
  logits?.data.set([NaN], 5 * CLASSES + 9);
  logits?.data.set([NaN], 6 * CLASSES + 36);
  logits?.data.set([Infinity], 7 * CLASSES + 4);
  logits?.data.set([-Infinity], 8 * CLASSES + 2);
  lse?.data.set([Infinity], 7);
}

const LOGITS = [f32(ROWS, CLASSES), u32(ROWS)];

/** Ids of which some name no row of a table of 7. */
const IDS = [3, 7, 0, 6, 3, 0xffffffff, 3, 1];
const ORDER = [2, 7, 0, 4, 6, 3, 1, 5];

/** The cases. */
export const EDGES: readonly Tried[] = [
  tried(crossEntropyOp, LOGITS, { fill: fillTargets, range: { 0: [-9, 9] } }),
  tried(correctOp, LOGITS, { fill: fillTargets }),
  tried(crossEntropyBackwardOp, [...LOGITS, f32(ROWS), f32(ROWS)], {
    fill: fillTargets,
    range: { 2: [4, 5] },
  }),
  ...[4, 6].map((columns) =>
    tried(embeddingOp, [f32(7, columns), u32(8)], { fill: ([, ids]) => ids?.data.set(IDS) })
  ),
  ...[4, 6].map((columns) =>
    tried(embeddingBackwardOp, [u32(8), u32(8), f32(8, columns)], {
      attrs: { vocabulary: 7 },
      fill: ([order, ids]) => {
        order?.data.set(ORDER);
        ids?.data.set(IDS);
      },
    })
  ),
  tried(treeAddOp, [f32(150), f32(150)], { fill: fillPairs }),
  ...[rowMaxOp, rowNormsOp].flatMap((op) =>
    [1, 2, 4, 24].map((columns) => tried(op, [f32(12, columns)], { fill: fillPairs }))
  ),
  ...[softmaxOp, logSoftmaxOp].map((op) =>
    tried(op, [f32(6, 19)], {
      range: { 0: [-200, 200] },
      fill: ([x]) => x?.data.set([-3e38, 3e38, -1e30], 19),
    })
  ),
  ...[1, 2, 3, 40].flatMap((columns) =>
    [64, 130].map((rows) =>
      tried(columnSum, [f32(rows, columns)], { attrs: { columns: [columns] } })
    )
  ),
  ...[1028, 4 * 257, 64 * 257, 70_000, 66_001].map((n) =>
    tried(sumOp, [f32(n)], { range: { 0: [-0.5, 1] } })
  ),
  ...[[16, 4], [17, 5], [33, 20], [15, 3]].map((shape) =>
    tried(permuteOp, [f32(...shape)], { attrs: { axes: [1, 0] } })
  ),
  ...[[2, 0, 1], [1, 2, 0], [2, 1, 0], [0, 2, 1]].map((axes) =>
    tried(permuteOp, [f32(18, 7, 21)], { attrs: { axes } })
  ),
  tried(permuteOp, [f32(1, 6, 1, 5)], { attrs: { axes: [3, 2, 1, 0] } }),
];
