/** Recurrences at the edges of the CPU device's tiles: rows of a batch, panels, and blocks of k. */
import { recurrenceBackwardOp, recurrenceOp } from "../../kernels/recurrence/mod.ts";
import { gru, gruBefore, lstm, rnnTanh } from "../../kernels/recurrence/mod.ts";
import type { Cell } from "../../kernels/recurrence/mod.ts";
import {
  recurrenceBackwardCase,
  recurrenceCase,
} from "../../kernels/recurrence/recurrence_cases.ts";
import type { Case, Op } from "../../src/graph/types.ts";

/** Cell, [B, T, H], and which of y and the last states have a gradient. */
type Sizes = readonly [cell: Cell, sizes: readonly [number, number, number], flows: string];

/** Panels of 64, 32, 24 and 16 columns with and without a rest; 7, 11, 12 and 13 rows; K > 256. */
const SIZES: readonly Sizes[] = [
  [lstm, [1, 3, 34], "y"],
  [gruBefore, [1, 2, 66], "y,h"],
  [lstm, [2, 2, 16], "c"],
  [gru, [3, 2, 24], "h"],
  [lstm, [3, 1, 25], "h,c"],
  [lstm, [5, 2, 12], "y,c"],
  [gru, [6, 3, 7], "y"],
  [lstm, [7, 2, 66], "y,h"],
  [rnnTanh, [11, 2, 260], "y"],
  [gruBefore, [12, 2, 130], "h"],
  [lstm, [13, 1, 131], "y,h,c"],
];

/** Cases of both ops, in both directions. */
export const DEEP_RECURRENCES: readonly { readonly op: Op; readonly test: Case }[] = SIZES.flatMap(
  ([cell, sizes, flows]) =>
    [false, true].flatMap((reverse) => {
      const test = recurrenceCase(cell, sizes, { reverse });
      const given = ["y", "h", "c"].slice(0, 1 + cell.states);
      const present = given.map((name) => flows.split(",").includes(name));
      return [
        { op: recurrenceOp, test },
        { op: recurrenceBackwardOp, test: recurrenceBackwardCase(test, present) },
      ];
    }),
);
