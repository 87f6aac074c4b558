/**
 * Convolutions and max pooling as layers, over images [B, H, W, C] and sequences [B, T, C], channels
 * last. A convolution does not flip its kernel, as in torch.nn.Conv2d.
 */
import {
  applyMaxPool,
  type SizePair,
  type SlidingWindow,
  unfold,
} from "../../kernels/convolution/mod.ts";
import { reshape } from "../../kernels/shape/mod.ts";
import type { Tensor } from "../graph/types.ts";
import { linear } from "./layers.ts";
import type { Scope } from "./scope.ts";

/** Sizes along H and W: one for both, or one each. */
export type Sizes2d = number | SizePair;

/** Options of {@linkcode conv1d}. */
export interface Conv1dOptions {
  /** Channels of the result. */
  readonly width: number;
  /** Size of the window. */
  readonly kernel: number;
  /** Steps between neighbouring windows; default 1. */
  readonly stride?: number;
  /** Zeros that are added on both sides; default 0. */
  readonly padding?: number;
  /** Whether it has a bias; default true. */
  readonly bias?: boolean;
}

/** Options of {@linkcode conv2d}. */
export interface Conv2dOptions extends Omit<Conv1dOptions, "kernel" | "stride" | "padding"> {
  /** Sizes of the window. */
  readonly kernel: Sizes2d;
  /** Steps between neighbouring windows; default 1. */
  readonly stride?: Sizes2d;
  /** Zeros that are added on both sides; default 0. */
  readonly padding?: Sizes2d;
}

/** A window of pooling along an axis. */
export interface PoolOptions<S = Sizes2d> {
  /** Size of the window. */
  readonly kernel: S;
  /** Steps between neighbouring windows; default: the window's size. */
  readonly stride?: S;
  /** Elements that are added on both sides and never win, at most half a window; default 0. */
  readonly padding?: S;
}

/**
 * Standard deviation of initial weights that keeps the variance of activations through a layer with
 * ReLU (He et al. 2015, equation 10); `inputs`: those of one output.
 */
export function heStd(inputs: number): number {
  return Math.sqrt(2 / inputs);
}

function pair(sizes: Sizes2d): SizePair {
  return typeof sizes === "number" ? [sizes, sizes] : sizes;
}

function windowOfSizes({ kernel, stride, padding }: Required<PoolOptions>): SlidingWindow {
  return { kernel: pair(kernel), stride: pair(stride), padding: pair(padding) };
}

/**
 * 2-d convolution: x f32 [B, H, W, C] to [B, H', W', width], H' = floor((H + 2 padding - kernel) /
 * stride) + 1. Parameters `weight` [kernel_h kernel_w C, width], whose rows are in the order of a
 * window, and `bias` [width]. @throws {RangeError} when a window does not fit.
 */
export function conv2d(
  scope: Scope,
  x: Tensor,
  { kernel, stride = 1, padding = 0, ...options }: Conv2dOptions,
): Tensor {
  const rows = unfold(x, windowOfSizes({ kernel, stride, padding }));
  return linear(scope, rows, { ...options, std: heStd(rows.shape.at(-1) as number) });
}

/**
 * 1-d convolution: x f32 [B, T, C] to [B, T', width], T' = floor((T + 2 padding - kernel) / stride)
 * + 1. Parameters `weight` [kernel C, width] and `bias` [width]. @throws {RangeError} when a window
 * does not fit.
 */
export function conv1d(
  scope: Scope,
  x: Tensor,
  { kernel, stride = 1, padding = 0, ...options }: Conv1dOptions,
): Tensor {
  return alongTime(x, (line) =>
    conv2d(scope, line, {
      ...options,
      kernel: [1, kernel],
      stride: [1, stride],
      padding: [0, padding],
    }));
}

/**
 * The largest element of each window, per channel: x f32 [B, H, W, C] to [B, H', W', C]. The gradient
 * goes to the first of equal elements. @throws {RangeError} when a window does not fit.
 */
export function maxPool2d(
  x: Tensor,
  { kernel, stride = kernel, padding = 0 }: PoolOptions,
): Tensor {
  return applyMaxPool(x, windowOfSizes({ kernel, stride, padding }));
}

/**
 * The largest element of each window, per channel: x f32 [B, T, C] to [B, T', C], as
 * {@linkcode maxPool2d}. @throws {RangeError} when a window does not fit.
 */
export function maxPool1d(
  x: Tensor,
  { kernel, stride = kernel, padding = 0 }: PoolOptions<number>,
): Tensor {
  return alongTime(
    x,
    (line) => maxPool2d(line, { kernel: [1, kernel], stride: [1, stride], padding: [0, padding] }),
  );
}

/** The largest element over time, per channel: x f32 [B, T, C] to [B, C] (Kim 2014, section 2). */
export function maxOverTime(x: Tensor): Tensor {
  const [batch = 1, time = 1, channels = 1] = x.shape;
  return reshape(maxPool1d(x, { kernel: time }), [batch, channels]);
}

/** Applies a layer over images to x [B, T, C] as images of height 1. */
function alongTime(x: Tensor, layer: (line: Tensor) => Tensor): Tensor {
  const [batch = 1, time = 1, channels = 1] = x.shape;
  const y = layer(reshape(x, [batch, 1, time, channels]));
  return reshape(y, [batch, ...y.shape.slice(2)]);
}
