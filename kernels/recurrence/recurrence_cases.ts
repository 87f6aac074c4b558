/** Cases of the recurrence, forward and backward. */
import { sizeOf } from "../../src/base/shape.ts";
import type { Case, Spec, View } from "../../src/graph/types.ts";
import type { Cell } from "./cells.ts";
import { CELL_FORMULAS, gru, gruBefore, lstm, rnnTanh } from "./cells.ts";
import { recurReference } from "./recurrence_reference.ts";
import { backwardIndices, recurrenceSizes, TIME_STRIDE, timeNumbers } from "./recurrence_sizes.ts";
import type { RecurrenceAttrs } from "./recurrence_sizes.ts";

const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });

/** B, T, H */
type Sizes = readonly [number, number, number];

/** A case of the forward op. */
export function recurrenceCase(
  cell: Cell,
  [b, t, h]: Sizes,
  { kind = "ragged", reverse }: { kind?: Case["kind"]; reverse?: boolean } = {},
): Case {
  const { gates, states } = cell;
  // Weights within 1 / sqrt(H), as layers initialise them: differences of states do not grow.
  const small = [-1 / Math.sqrt(h), 1 / Math.sqrt(h)] as const;
  return {
    kind,
    inputs: [
      f32(b, t, gates * h),
      f32(gates * h, h),
      f32(gates * h),
      ...Array.from({ length: states }, () => f32(b, h)),
      f32(t * TIME_STRIDE),
    ],
    attrs: reverse === undefined ? { cell } : { cell, reverse },
    range: { 0: [-2, 2], 1: small, 2: small },
    fill: (views) => views.at(-1)?.data.set(timeNumbers(t)),
  };
}

/** Cases of the forward op. */
export function recurrenceForwardCases(): Case[] {
  return [
    // Tile edges: 8 or 16 rows, 4 or 8 units.
    ...[8, 9].map((b) => recurrenceCase(lstm, [b, 2, 128], { kind: "tile" })),
    ...[3, 4, 8, 9].map((h) => recurrenceCase(rnnTanh, [8, 3, h], { kind: "tile" })),
    ...[15, 16].map((b) => recurrenceCase(rnnTanh, [b, 2, 128], { kind: "tile" })),
    ...[60, 64, 68].map((h) => recurrenceCase(rnnTanh, [17, 2, h], { kind: "tile" })),
    // Subgroup lanes: rows and units that end inside a lane's part, and few rows.
    ...[lstm, gru].map((cell) => recurrenceCase(cell, [13, 2, 62], { kind: "tile" })),
    recurrenceCase(gru, [4, 2, 60], { kind: "tile" }),
    ...CELL_FORMULAS.flatMap((cell) => [
      recurrenceCase(cell, [1, 1, 3]),
      recurrenceCase(cell, [3, 5, 8], { reverse: true }),
      recurrenceCase(cell, [9, 12, 5]),
      recurrenceCase(cell, [2, 1, 33], { reverse: true }),
    ]),
    recurrenceCase(gru, [9, 12, 36], { reverse: true }),
    recurrenceCase(lstm, [3, 5, 33], { reverse: true }),
    recurrenceCase(gruBefore, [9, 12, 36]),
    ...CELL_FORMULAS.map((cell) => recurrenceCase(cell, [16, 64, 128], { kind: "bench" })),
    recurrenceCase(lstm, [4, 64, 128], { kind: "bench" }),
  ];
}

/** Cases of the backward op: tensors saved by the forward pass are computed from the inputs. */
export function recurrenceBackwardCases(): Case[] {
  return recurrenceForwardCases().map((test, i) => {
    const { cell } = test.attrs as RecurrenceAttrs;
    // In rotation: gradients of y only, of all outputs, of the last states only.
    const some = [[true, false, false], [true, true, true], [false, true, true]][i % 3] ?? [];
    const flows = some.slice(0, 1 + cell.states);
    return recurrenceBackwardCase(
      test,
      test.kind === "bench" ? flows.map((_, k) => k === 0) : flows,
    );
  });
}

/** The backward case of a forward case; `flows`: which outputs have gradients. */
export function recurrenceBackwardCase(
  { fill: _, range, ...test }: Case,
  flows: readonly boolean[],
): Case {
  const attrs: RecurrenceAttrs = test.attrs;
  const { cell } = attrs;
  const [xw, weight, bias, ...others] = test.inputs as [Spec, Spec, Spec, ...Spec[]];
  const { batch, time, hidden } = recurrenceSizes(xw, weight, attrs);
  const { time: numbers } = backwardIndices(cell, flows);
  const y = f32(batch, time, hidden);
  const state = f32(batch, hidden);
  const over = Array.from({ length: cell.states - 1 }, () => f32(batch, time + 1, hidden));
  const arriving = flows.flatMap((there, k) => there ? [k === 0 ? y : state] : []);
  const fill = (views: readonly View[]): void => {
    const zeros = (spec: Spec): View => ({ ...spec, data: new Float64Array(sizeOf(spec.shape)) });
    views[numbers]?.data.set(timeNumbers(time));
    const inputs = [...views.slice(0, 2), ...[bias, ...others].map(zeros)];
    const given = cell.stages.slice(1).map(() => zeros(y));
    const outputs = [
      ...[y, ...others.slice(0, cell.states)].map(zeros),
      ...views.slice(2, 3 + cell.states),
      ...given,
    ];
    recurReference({ inputs, outputs }, attrs);
  };
  return {
    ...test,
    inputs: [xw, weight, xw, y, ...over, f32(time * TIME_STRIDE), ...arriving],
    attrs: { ...attrs, flows },
    range: range ?? {},
    fill,
  };
}
