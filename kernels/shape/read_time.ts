/**
 * One vector of each window: x [B, T, D] -> [B, D], the last time step or the mean over time.
 * Both are a mean over the steps from `from` on. The adjoint is spread_time.
 */
import { showShape, sizeOf } from "../../src/base/shape.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, Flow, Io, Op, Spec, Tensor } from "../../src/graph/types.ts";
import { LINE } from "../../src/graph/wgsl.ts";
import { itemLaunch } from "../emit/items.ts";
import wgsl from "./read_time.wgsl" with { type: "text" };
import { spreadTime } from "./spread_time.ts";
import { stepsRead } from "../recurrence/steps_read.ts";
import type { TimeKind } from "../recurrence/steps_read.ts";

/** `kind`: what is read of each window. */
export interface ReadTimeAttrs {
  readonly kind: TimeKind;
}

/** The last time step of `x` [B, T, D], or its mean over time: [B, D]. */
export function readTime(x: Tensor, kind: TimeKind): Tensor {
  return apply(readTimeOp, [x], { kind });
}

function vjp({ inputs: [x] }: Io<Tensor>, [dy]: readonly Flow[], { kind }: ReadTimeAttrs): Flow[] {
  if (!x || !dy) return [];
  return [spreadTime(dy, { time: x.shape[1] ?? 1, kind })];
}

/** The op behind {@linkcode readTime}. */
export const readTimeOp: Op = {
  name: "read_time",
  shape([x]) {
    const [batch, time, columns] = x?.shape ?? [];
    if (x?.shape.length !== 3 || batch === undefined || columns === undefined || time === 0) {
      throw new RangeError(
        `Cannot read_time ${showShape(x?.shape ?? [])}: it takes [B, T, D] with T at least 1`,
      );
    }
    return [{ shape: [batch, columns], dtype: "f32" }];
  },
  launch(io, { kind }: ReadTimeAttrs, target) {
    const [, time = 1, columns = 1] = io.inputs[0]?.shape ?? [];
    const { from, scale } = stepsRead(kind, time);
    const plain = { TIME: time, FROM: from, SCALE: scale };
    return [itemLaunch(wgsl, io, { columns: { COLUMNS: columns }, plain, target })];
  },
  reference({ inputs: [x], outputs: [y] }, { kind }: ReadTimeAttrs) {
    if (!x || !y) return;
    const [, time = 1, columns = 1] = x.shape;
    const { from, scale } = stepsRead(kind, time);
    for (let i = 0; i < y.data.length; i++) {
      const window = Math.floor(i / columns);
      let total = 0;
      for (let t = from; t < time; t++) {
        total += x.data[(window * time + t) * columns + i % columns] as number;
      }
      y.data[i] = total * scale;
    }
  },
  cost({ inputs: [x], outputs: [y] }, { kind }: ReadTimeAttrs) {
    const time = x?.shape[1] ?? 1;
    const n = sizeOf(y?.shape ?? []);
    const terms = time - stepsRead(kind, time).from;
    return { flops: n * terms, bytes: 4 * n * (terms + 1), terms };
  },
  vjp,
  cases: (["last", "mean"] as const).flatMap((kind) => [
    ...[[1, 1, 1], [9, 2, 3], [9, 1, 4], [9, 2, 5]].map((shape) => reading("tile", shape, kind)),
    ...[LINE - 1, LINE, LINE + 1].map((columns) => reading("tile", [1, 3, columns], kind)),
    ...[LINE - 1, LINE, LINE + 1].map((batch) => reading("tile", [batch, 3, 4], kind)),
    reading("ragged", [3, 67, 7], kind),
    reading("ragged", [5, 13, 20], kind),
    reading("bench", [16, 64, 128], kind),
  ]),
};

function reading(kind: Case["kind"], shape: number[], what: TimeKind): Case {
  const x: Spec = { shape, dtype: "f32" };
  return { kind, inputs: [x], attrs: { kind: what } };
}
