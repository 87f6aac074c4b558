/**
 * Pooling over time, x [B, T, D] -> [B, D]: the last time step or the mean over time. Its adjoint
 * broadcasts over time: x [B, D] -> [B, T, D].
 */
import { showShape, sizeOf } from "../../src/base/shape.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, Grad, Io, Op, Spec, Tensor } from "../../src/graph/types.ts";
import { WORKGROUP_SIZE } from "../../src/graph/wgsl.ts";
import { itemLaunch } from "../emit/items.ts";
import { broadcastTimeKernel, poolTimeKernel } from "./shape_wasm.ts";
import { stepsPooled } from "./steps_pooled.ts";
import type { TimeKind } from "./steps_pooled.ts";
import broadcastWgsl from "./broadcast_time.wgsl" with { type: "text" };
import poolWgsl from "./pool_time.wgsl" with { type: "text" };

/** `kind`: last time step or mean. */
export interface PoolTimeAttrs {
  readonly kind: TimeKind;
}

/**
 * The last time step of `x` f32 [B, T, D], or its mean over time: f32 [B, D].
 * @throws {RangeError} when x has not three axes, or T is 0.
 */
export function poolTime(x: Tensor, kind: TimeKind): Tensor {
  return apply(poolTimeOp, [x], { kind });
}

function poolVjp(
  { inputs: [x] }: Io<Tensor>,
  [dy]: readonly Grad[],
  { kind }: PoolTimeAttrs,
): Grad[] {
  if (!x || !dy) return [];
  return [broadcastTime(dy, { time: x.shape[1] ?? 1, kind })];
}

/** The op behind {@linkcode poolTime}. */
export const poolTimeOp: Op = {
  name: "pool_time",
  shape([x]) {
    const [batch, time, columns] = x?.shape ?? [];
    if (x?.shape.length !== 3 || batch === undefined || columns === undefined || time === 0) {
      throw new RangeError(
        `Cannot pool_time ${showShape(x?.shape ?? [])}: it takes [B, T, D] with T at least 1`,
      );
    }
    return [{ shape: [batch, columns], dtype: "f32" }];
  },
  launch(io, { kind }: PoolTimeAttrs, target) {
    const [, time = 1, columns = 1] = io.inputs[0]?.shape ?? [];
    const { from, scale } = stepsPooled(kind, time);
    const plain = { TIME: time, FROM: from, SCALE: scale };
    return [itemLaunch(poolWgsl, io, { columns: { COLUMNS: columns }, plain, target })];
  },
  wasm({ inputs: [x] }, { kind }: PoolTimeAttrs) {
    const [batch = 1, time = 1, columns = 1] = (x as Spec).shape;
    return poolTimeKernel({ batch, time, columns, ...stepsPooled(kind, time) });
  },
  reference({ inputs: [x], outputs: [y] }, { kind }: PoolTimeAttrs) {
    if (!x || !y) return;
    const [, time = 1, columns = 1] = x.shape;
    const { from, scale } = stepsPooled(kind, time);
    for (let i = 0; i < y.data.length; i++) {
      const window = Math.floor(i / columns);
      let total = 0;
      for (let t = from; t < time; t++) {
        total += x.data[(window * time + t) * columns + i % columns] as number;
      }
      y.data[i] = total * scale;
    }
  },
  cost({ inputs: [x], outputs: [y] }, { kind }: PoolTimeAttrs) {
    const time = x?.shape[1] ?? 1;
    const n = sizeOf(y?.shape ?? []);
    const terms = time - stepsPooled(kind, time).from;
    return { flops: n * terms, bytes: 4 * n * (terms + 1), terms };
  },
  vjp: poolVjp,
  cases: (["last", "mean"] as const).flatMap((kind) => [
    ...[[1, 1, 1], [9, 2, 3], [9, 1, 4], [9, 2, 5]].map((shape) => reading("tile", shape, kind)),
    ...[WORKGROUP_SIZE - 1, WORKGROUP_SIZE, WORKGROUP_SIZE + 1].map((columns) =>
      reading("tile", [1, 3, columns], kind)
    ),
    ...[WORKGROUP_SIZE - 1, WORKGROUP_SIZE, WORKGROUP_SIZE + 1].map((batch) =>
      reading("tile", [batch, 3, 4], kind)
    ),
    reading("ragged", [3, 67, 7], kind),
    reading("ragged", [5, 13, 20], kind),
    reading("bench", [16, 64, 128], kind),
  ]),
};

function reading(kind: Case["kind"], shape: number[], what: TimeKind): Case {
  const x: Spec = { shape, dtype: "f32" };
  return { kind, inputs: [x], attrs: { kind: what } };
}

/** `time`: number of steps T; `kind`: the pooling whose adjoint this is. */
export interface BroadcastTimeAttrs {
  readonly time: number;
  readonly kind: TimeKind;
}

/**
 * The adjoint of {@linkcode poolTime}: `x` f32 [B, D] -> f32 [B, time, D], x at the last step and
 * zeros before it, or x / T at all steps. @throws {RangeError} when x has not two axes.
 */
export function broadcastTime(x: Tensor, attrs: BroadcastTimeAttrs): Tensor {
  return apply(broadcastTimeOp, [x], attrs);
}

function broadcastVjp(
  _: Io<Tensor>,
  [dy]: readonly Grad[],
  { kind }: BroadcastTimeAttrs,
): readonly Grad[] {
  return dy ? [poolTime(dy, kind)] : [];
}

/** The op behind {@linkcode broadcastTime}. */
export const broadcastTimeOp: Op = {
  name: "broadcast_time",
  shape([x], { time }: BroadcastTimeAttrs) {
    const [batch, columns] = x?.shape ?? [];
    if (x?.shape.length !== 2 || batch === undefined || columns === undefined || time < 1) {
      throw new RangeError(
        `Cannot broadcast_time ${showShape(x?.shape ?? [])} over ${time} steps: ` +
          "it takes [B, D] and at least 1",
      );
    }
    return [{ shape: [batch, time, columns], dtype: "f32" }];
  },
  launch(io, { time, kind }: BroadcastTimeAttrs, target) {
    const COLUMNS = io.inputs[0]?.shape[1] ?? 1;
    const { from, scale } = stepsPooled(kind, time);
    const plain = { TIME: time, FROM: from, SCALE: scale };
    return [itemLaunch(broadcastWgsl, io, { columns: { COLUMNS }, plain, target })];
  },
  wasm({ inputs: [x] }, { time, kind }: BroadcastTimeAttrs) {
    const [batch = 1, columns = 1] = (x as Spec).shape;
    return broadcastTimeKernel({ batch, time, columns, ...stepsPooled(kind, time) });
  },
  reference({ inputs: [x], outputs: [y] }, { time, kind }: BroadcastTimeAttrs) {
    if (!x || !y) return;
    const columns = x.shape[1] ?? 1;
    const { from, scale } = stepsPooled(kind, time);
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
  vjp: broadcastVjp,
  cases: (["last", "mean"] as const).flatMap((kind) => [
    ...[[1, 1, 1], [9, 2, 3], [9, 1, 4], [9, 2, 5]].map((shape) => spreading("tile", shape, kind)),
    ...[WORKGROUP_SIZE - 1, WORKGROUP_SIZE, WORKGROUP_SIZE + 1].map((time) =>
      spreading("tile", [1, time, 3], kind)
    ),
    ...[WORKGROUP_SIZE - 1, WORKGROUP_SIZE, WORKGROUP_SIZE + 1].map((batch) =>
      spreading("tile", [batch, 3, 4], kind)
    ),
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
