/**
 * One vector of each window over its time steps: x [B, D] -> [B, T, D], at the last step among
 * zeros, or 1 / T of it at every step. The adjoint of read_time, and it of this.
 */
import { showShape, sizeOf } from "../../src/base/shape.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, Flow, Io, Op, Spec, Tensor } from "../../src/graph/types.ts";
import { LINE } from "../../src/graph/wgsl.ts";
import { itemLaunch } from "../emit/items.ts";
import { readTime } from "./read_time.ts";
import wgsl from "./spread_time.wgsl" with { type: "text" };
import { stepsRead } from "../recurrence/steps_read.ts";
import type { TimeKind } from "../recurrence/steps_read.ts";

/** `time`: steps T of a window; `kind`: which of them get a share. */
export interface SpreadTimeAttrs {
  readonly time: number;
  readonly kind: TimeKind;
}

/** `x` [B, D] over `time` steps: [B, time, D]. */
export function spreadTime(x: Tensor, attrs: SpreadTimeAttrs): Tensor {
  return apply(spreadTimeOp, [x], attrs);
}

function vjp(_: Io<Tensor>, [dy]: readonly Flow[], { kind }: SpreadTimeAttrs): readonly Flow[] {
  return dy ? [readTime(dy, kind)] : [];
}

/** The op behind {@linkcode spreadTime}. */
export const spreadTimeOp: Op = {
  name: "spread_time",
  shape([x], { time }: SpreadTimeAttrs) {
    const [batch, columns] = x?.shape ?? [];
    if (x?.shape.length !== 2 || batch === undefined || columns === undefined || time < 1) {
      throw new RangeError(
        `Cannot spread_time ${showShape(x?.shape ?? [])} over ${time} steps: ` +
          "it takes [B, D] and at least 1",
      );
    }
    return [{ shape: [batch, time, columns], dtype: "f32" }];
  },
  launch(io, { time, kind }: SpreadTimeAttrs, target) {
    const COLUMNS = io.inputs[0]?.shape[1] ?? 1;
    const { from, scale } = stepsRead(kind, time);
    const plain = { TIME: time, FROM: from, SCALE: scale };
    return [itemLaunch(wgsl, io, { columns: { COLUMNS }, plain, target })];
  },
  reference({ inputs: [x], outputs: [y] }, { time, kind }: SpreadTimeAttrs) {
    if (!x || !y) return;
    const columns = x.shape[1] ?? 1;
    const { from, scale } = stepsRead(kind, time);
    for (let i = 0; i < y.data.length; i++) {
      const row = Math.floor(i / columns);
      const window = Math.floor(row / time);
      const value = x.data[window * columns + i % columns] as number;
      y.data[i] = row % time >= from ? value * scale : 0;
    }
  },
  cost({ inputs: [x], outputs: [y] }) {
    const n = sizeOf(y?.shape ?? []);
    return { flops: n, bytes: 4 * (n + sizeOf(x?.shape ?? [])), terms: 1 };
  },
  vjp,
  cases: (["last", "mean"] as const).flatMap((kind) => [
    ...[[1, 1, 1], [9, 2, 3], [9, 1, 4], [9, 2, 5]].map((shape) => spreading("tile", shape, kind)),
    ...[LINE - 1, LINE, LINE + 1].map((time) => spreading("tile", [1, time, 3], kind)),
    ...[LINE - 1, LINE, LINE + 1].map((batch) => spreading("tile", [batch, 3, 4], kind)),
    spreading("ragged", [3, 67, 7], kind),
    spreading("ragged", [5, 13, 20], kind),
    spreading("bench", [16, 64, 128], kind),
  ]),
};

function spreading(
  kind: Case["kind"],
  [batch = 1, time = 1, columns = 1]: readonly number[],
  what: TimeKind,
): Case {
  const x: Spec = { shape: [batch, columns], dtype: "f32" };
  return { kind, inputs: [x], attrs: { time, kind: what } };
}
