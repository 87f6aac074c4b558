/**
 * Unfolds sliding windows to rows (im2col; Chellapilla et al. 2006, section 3), so that a
 * convolution is a product with a matrix. x [B, H, W, C] -> [B, H', W', kh kw C].
 */
import { showShape, sizeOf } from "../../src/base/shape.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, Op, Spec, Tensor, View } from "../../src/graph/types.ts";
import { itemLaunch } from "../emit/items.ts";
import { type WindowCase, windowCases } from "./convolution_cases.ts";
import { foldKernel, unfoldKernel } from "./unfold_wasm.ts";
import {
  eachInside,
  slidConstants,
  type SlidingWindow,
  type SlidSizes,
  slidSizes,
} from "./sliding_window.ts";
import foldWgsl from "./fold.wgsl" with { type: "text" };
import unfoldWgsl from "./unfold.wgsl" with { type: "text" };

/**
 * The windows of `x` f32 [B, H, W, C] as rows: f32 [B, H', W', kh kw C], where
 * H' = floor((H + 2 ph - kh) / sh) + 1, and W' likewise. Elements of the padding are 0.
 * @throws {RangeError} when x has not four axes, or a window does not fit the padded axis.
 */
export function unfold(x: Tensor, window: SlidingWindow): Tensor {
  return apply(unfoldOp, [x], window);
}

/** Elements of a window. */
function windowSize({ rows, columns, channels }: SlidSizes): number {
  return rows.kernel * columns.kernel * channels;
}

function unfoldedShape(sizes: SlidSizes): number[] {
  return [sizes.batch, sizes.rows.count, sizes.columns.count, windowSize(sizes)];
}

/** Calls `visit` with indices of the same element: in the rows of windows, and in the image. */
function eachElement(sizes: SlidSizes, visit: (unfolded: number, plain: number) => void): void {
  const { batch, channels, rows, columns } = sizes;
  const row = windowSize(sizes);
  for (let b = 0; b < batch; b++) {
    eachInside(sizes, ({ window, k, pixel }) => {
      for (let c = 0; c < channels; c++) {
        visit(
          (b * rows.count * columns.count + window) * row + k * channels + c,
          (b * rows.size * columns.size + pixel) * channels + c,
        );
      }
    });
  }
}

/** The op behind {@linkcode unfold}. */
export const unfoldOp: Op = {
  name: "unfold",
  shape([x], window: SlidingWindow) {
    return [{ shape: unfoldedShape(slidSizes("unfold", x, window)), dtype: "f32" }];
  },
  launch(io, window: SlidingWindow, target) {
    const sizes = slidSizes("unfold", io.inputs[0], window);
    const columns = { CHANNELS: sizes.channels };
    return [itemLaunch(unfoldWgsl, io, { columns, plain: slidConstants(sizes), target })];
  },
  wasm: ({ inputs: [x] }, window: SlidingWindow) => unfoldKernel(slidSizes("unfold", x, window)),
  reference({ inputs: [x], outputs: [y] }, window: SlidingWindow) {
    if (!x || !y) return;
    y.data.fill(0);
    eachElement(slidSizes("unfold", specOf(x), window), (unfolded, plain) => {
      y.data[unfolded] = x.data[plain] as number;
    });
  },
  cost({ inputs: [x], outputs: [y] }) {
    const bytes = 4 * (sizeOf(x?.shape ?? []) + sizeOf(y?.shape ?? []));
    return { flops: 0, bytes, terms: 1 };
  },
  // The rows are much larger than the image that they are copied from.
  cheap: () => true,
  vjp({ inputs: [x] }, [dy], window: SlidingWindow) {
    if (!x || !dy) return [];
    const [, height = 1, width = 1] = x.shape;
    return [apply(foldOp, [dy], { ...window, size: [height, width] })];
  },
  cases: windowCases(unfoldCase),
};

/** The case of a shape and a window. */
export function unfoldCase({ kind, shape, window }: WindowCase): Case {
  return { kind, inputs: [{ shape, dtype: "f32" }], attrs: window };
}

function specOf({ shape }: View): Spec {
  return { shape, dtype: "f32" };
}

/** A sliding window and the image that it slides over. */
export interface FoldAttrs extends SlidingWindow {
  /** H and W. */
  readonly size: SlidingWindow["kernel"];
}

/** @throws {RangeError} when the rows are not those of the windows. */
function foldSizes(rows: Spec | undefined, { size, ...window }: FoldAttrs): SlidSizes {
  const shape = rows?.shape ?? [];
  const channels = (shape.at(-1) ?? 0) / (window.kernel[0] * window.kernel[1]);
  const image: Spec = { shape: [shape[0] ?? 0, ...size, channels], dtype: "f32" };
  const sizes = slidSizes("fold", image, window);
  const need = unfoldedShape(sizes);
  if (!Number.isInteger(channels) || showShape(need) !== showShape(shape)) {
    throw new RangeError(
      `Cannot fold ${showShape(shape)} to ${showShape(size)}: need [B, H', W', kh kw C]`,
    );
  }
  return sizes;
}

/**
 * The adjoint of {@linkcode unfold}: rows [B, H', W', kh kw C] -> [B, H, W, C]. Each element is the sum
 * over the windows that it lies in, by its place in the window.
 */
export const foldOp: Op = {
  name: "fold",
  shape([rows], attrs: FoldAttrs) {
    const { batch, channels } = foldSizes(rows, attrs);
    return [{ shape: [batch, ...attrs.size, channels], dtype: "f32" }];
  },
  launch(io, attrs: FoldAttrs, target) {
    const sizes = foldSizes(io.inputs[0], attrs);
    const columns = { CHANNELS: sizes.channels };
    return [itemLaunch(foldWgsl, io, { columns, plain: slidConstants(sizes), target })];
  },
  wasm: ({ inputs: [rows] }, attrs: FoldAttrs) => foldKernel(foldSizes(rows, attrs)),
  reference({ inputs: [rows], outputs: [y] }, attrs: FoldAttrs) {
    if (!rows || !y) return;
    y.data.fill(0);
    eachElement(foldSizes(specOf(rows), attrs), (unfolded, plain) => {
      (y.data[plain] as number) += rows.data[unfolded] as number;
    });
  },
  cost({ inputs: [rows], outputs: [y] }, { kernel: [height, width] }: FoldAttrs) {
    const flops = sizeOf(rows?.shape ?? []);
    return { flops, bytes: 4 * (flops + sizeOf(y?.shape ?? [])), terms: height * width };
  },
  vjp: (_, [dy], { size: __, ...window }: FoldAttrs) => dy ? [unfold(dy, window)] : [],
  cases: windowCases(foldCase),
};

/** The case of a shape and a window. @throws {RangeError} when the window does not fit. */
export function foldCase({ kind, shape, window }: WindowCase): Case {
  return {
    kind,
    inputs: unfoldOp.shape([{ shape, dtype: "f32" }], window),
    attrs: { ...window, size: [shape[1], shape[2]] },
  };
}
