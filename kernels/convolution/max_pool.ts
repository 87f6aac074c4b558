/**
 * Maximum over sliding windows, per channel: x [B, H, W, C] -> y [B, H', W', C], and for each maximum
 * its place in the window, which the backward op reads. Of equal elements the first one is taken, as
 * in torch.nn.functional.max_pool2d. Padding never wins.
 */
import { showShape, sizeOf } from "../../src/base/shape.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, Grad, Io, Op, Spec, Tensor } from "../../src/graph/types.ts";
import { itemLaunch } from "../emit/items.ts";
import { type WindowCase, windowCases } from "./convolution_cases.ts";
import { maxPoolBackwardKernel, maxPoolKernel } from "./max_pool_wasm.ts";
import {
  eachInside,
  slidConstants,
  type SlidingWindow,
  type SlidSizes,
  slidSizes,
} from "./sliding_window.ts";
import backwardWgsl from "./max_pool_backward.wgsl" with { type: "text" };
import poolWgsl from "./max_pool.wgsl" with { type: "text" };

/**
 * The largest element of each window of `x` f32 [B, H, W, C]: f32 [B, H', W', C]. The gradient goes to
 * the first of equal elements. @throws {RangeError} when x has not four axes, a window does not fit,
 * or a window is padded by more than half of it.
 */
export function applyMaxPool(x: Tensor, window: SlidingWindow): Tensor {
  return apply(maxPoolOp, [x], window);
}

/** @throws {RangeError} as {@linkcode slidSizes}, and where a window may be all padding. */
function pooledSizes(x: Spec | undefined, window: SlidingWindow): SlidSizes {
  const sizes = slidSizes("max_pool", x, window);
  for (const { kernel, padding } of [sizes.rows, sizes.columns]) {
    if (2 * padding <= kernel) continue;
    throw new RangeError(
      `Cannot max_pool ${showShape(x?.shape ?? [])}: need a padding of at most half a window of ` +
        `${kernel}: got ${padding}`,
    );
  }
  return sizes;
}

function vjp(
  { inputs: [x], outputs: [, places] }: Io<Tensor>,
  [dy, dplaces]: readonly Grad[],
  window: SlidingWindow,
): readonly Grad[] {
  if (dplaces) throw new RangeError("Cannot differentiate the places of max_pool");
  if (!x || !places || !dy) return [];
  const [, height = 1, width = 1] = x.shape;
  return [apply(maxPoolBackwardOp, [places, dy], { ...window, size: [height, width] })];
}

/** The op behind {@linkcode applyMaxPool}. */
export const maxPoolOp: Op = {
  name: "max_pool",
  shape([x], window: SlidingWindow) {
    const { batch, channels, rows, columns } = pooledSizes(x, window);
    const shape = [batch, rows.count, columns.count, channels];
    return [{ shape, dtype: "f32" }, { shape, dtype: "u32" }];
  },
  launch(io, window: SlidingWindow, target) {
    const sizes = pooledSizes(io.inputs[0], window);
    const columns = { CHANNELS: sizes.channels };
    const launched = itemLaunch(poolWgsl, io, { columns, plain: slidConstants(sizes), target });
    return [{ ...launched, bindings: [{ input: 0 }, { output: 0 }, { output: 1 }] }];
  },
  wasm: ({ inputs: [x] }, window: SlidingWindow) => maxPoolKernel(pooledSizes(x, window)),
  reference({ inputs: [x], outputs: [y, places] }, window: SlidingWindow) {
    if (!x || !y || !places) return;
    const sizes = pooledSizes({ shape: x.shape, dtype: "f32" }, window);
    const { batch, channels, rows, columns } = sizes;
    const isSet = new Uint8Array(y.data.length);
    for (let b = 0; b < batch; b++) {
      eachInside(sizes, ({ window, k, pixel }) => {
        for (let c = 0; c < channels; c++) {
          const at = (b * rows.count * columns.count + window) * channels + c;
          const value = x.data[(b * rows.size * columns.size + pixel) * channels + c] as number;
          if (isSet[at] && !(value > (y.data[at] as number))) continue;
          [y.data[at], places.data[at], isSet[at]] = [value, k, 1];
        }
      });
    }
  },
  cost({ inputs: [x], outputs: [y] }, { kernel: [height, width] }: SlidingWindow) {
    const n = sizeOf(y?.shape ?? []);
    return { flops: n * height * width, bytes: 4 * (sizeOf(x?.shape ?? []) + 2 * n), terms: 1 };
  },
  vjp,
  cases: pooledCases(maxPoolCase),
};

/** The case of a shape and a window: few distinct values, so that windows have equal ones. */
export function maxPoolCase({ kind, shape, window }: WindowCase): Case {
  return {
    kind,
    inputs: [{ shape, dtype: "f32" }],
    attrs: window,
    fill: ([x]) => x?.data.forEach((value, i) => x.data[i] = Math.round(4 * value) / 4),
  };
}

/** The cases whose windows are padded by half of their size at most. */
function pooledCases(make: Parameters<typeof windowCases>[0]): Case[] {
  return windowCases(make).filter(({ attrs: { kernel, padding } }) =>
    [0, 1].every((k) => 2 * padding[k] <= kernel[k])
  );
}

/** A sliding window and the image that it slides over. */
export interface MaxPoolBackwardAttrs extends SlidingWindow {
  /** H and W. */
  readonly size: SlidingWindow["kernel"];
}

/** @throws {RangeError} when the maxima are not those of the windows. */
function backwardSizes(
  dy: Spec | undefined,
  { size, ...window }: MaxPoolBackwardAttrs,
): SlidSizes {
  const [batch = 0, rows, columns, channels = 0] = dy?.shape ?? [];
  const sizes = slidSizes(
    "max_pool_backward",
    { shape: [batch, ...size, channels], dtype: "f32" },
    window,
  );
  if (rows !== sizes.rows.count || columns !== sizes.columns.count) {
    throw new RangeError(
      `Cannot max_pool_backward ${showShape(dy?.shape ?? [])} to ${showShape(size)}: need ` +
        `[B, ${sizes.rows.count}, ${sizes.columns.count}, C]`,
    );
  }
  return sizes;
}

/**
 * Gradient of {@linkcode maxPoolOp}: places u32 and dy f32 [B, H', W', C] -> dx [B, H, W, C]. Each element
 * is the sum over the windows whose maximum it is, in their order.
 */
export const maxPoolBackwardOp: Op = {
  name: "max_pool_backward",
  shape([places, dy], attrs: MaxPoolBackwardAttrs) {
    const { batch, channels } = backwardSizes(dy, attrs);
    if (showShape(places?.shape ?? []) !== showShape(dy?.shape ?? [])) {
      throw new RangeError(
        `Cannot max_pool_backward ${showShape(dy?.shape ?? [])}: places are ` +
          showShape(places?.shape ?? []),
      );
    }
    return [{ shape: [batch, ...attrs.size, channels], dtype: "f32" }];
  },
  launch(io, attrs: MaxPoolBackwardAttrs, target) {
    const sizes = backwardSizes(io.inputs[1], attrs);
    const columns = { CHANNELS: sizes.channels };
    return [itemLaunch(backwardWgsl, io, { columns, plain: slidConstants(sizes), target })];
  },
  wasm: ({ inputs: [, dy] }, attrs: MaxPoolBackwardAttrs) =>
    maxPoolBackwardKernel(backwardSizes(dy, attrs)),
  reference({ inputs: [places, dy], outputs: [dx] }, attrs: MaxPoolBackwardAttrs) {
    if (!places || !dy || !dx) return;
    const sizes = backwardSizes({ shape: dy.shape, dtype: "f32" }, attrs);
    const { batch, channels, rows, columns } = sizes;
    dx.data.fill(0);
    for (let b = 0; b < batch; b++) {
      eachInside(sizes, ({ window, k, pixel }) => {
        for (let c = 0; c < channels; c++) {
          const from = (b * rows.count * columns.count + window) * channels + c;
          if (places.data[from] !== k) continue;
          const to = (b * rows.size * columns.size + pixel) * channels + c;
          (dx.data[to] as number) += dy.data[from] as number;
        }
      });
    }
  },
  cost({ inputs: [, dy], outputs: [dx] }, { kernel: [height, width] }: MaxPoolBackwardAttrs) {
    const n = sizeOf(dy?.shape ?? []);
    return {
      flops: n * height * width,
      bytes: 4 * (2 * n + sizeOf(dx?.shape ?? [])),
      terms: height * width,
    };
  },
  cases: pooledCases(maxPoolBackwardCase),
};

/** The case of a shape and a window. @throws {RangeError} when the window does not fit. */
export function maxPoolBackwardCase({ kind, shape, window }: WindowCase): Case {
  const [y, places] = maxPoolOp.shape([{ shape, dtype: "f32" }], window) as [Spec, Spec];
  return {
    kind,
    inputs: [places, y],
    attrs: { ...window, size: [shape[1], shape[2]] },
    // Places of real maxima: those of a padded element have no pixel.
    fill: ([found, dy]) => {
      if (!found || !dy) return;
      const data = Float64Array.from({ length: sizeOf(shape) }, (_, i) => (i * 7919) % 31);
      maxPoolOp.reference({
        inputs: [{ shape, dtype: "f32", data }],
        outputs: [{ ...dy, data: new Float64Array(dy.data.length) }, found],
      }, window);
    },
  };
}
