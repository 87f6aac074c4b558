/**
 * Windows that slide over the two middle axes of x [B, H, W, C], padded with zeros. All ops of
 * convolution and pooling share these sizes.
 */
import { showShape } from "../../src/base/shape.ts";
import type { Spec } from "../../src/graph/types.ts";

/** A pair of sizes: along H, along W. */
export type SizePair = readonly [height: number, width: number];

/** Static attributes of a sliding window. */
export interface SlidingWindow {
  /** Sizes of the window. */
  readonly kernel: SizePair;
  /** Steps between neighbouring windows. */
  readonly stride: SizePair;
  /** Elements that are padded on both sides. */
  readonly padding: SizePair;
}

/** One axis of the input, and the windows along it. */
export interface SlidAxis {
  /** Elements of the input. */
  readonly size: number;
  /** Number of windows. */
  readonly count: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
}

/** Sizes of a call. */
export interface SlidSizes {
  /** B */
  readonly batch: number;
  /** C */
  readonly channels: number;
  /** Along H. */
  readonly rows: SlidAxis;
  /** Along W. */
  readonly columns: SlidAxis;
}

/**
 * Sizes of windows over x [B, H, W, C]. @throws {RangeError} naming `op` when x has other axes, or a
 * window does not fit the padded axis.
 */
export function slidSizes(op: string, x: Spec | undefined, window: SlidingWindow): SlidSizes {
  const shape = x?.shape ?? [];
  const [batch, height, width, channels] = shape;
  if (
    shape.length !== 4 || x?.dtype !== "f32" || batch === undefined || height === undefined ||
    width === undefined || channels === undefined
  ) {
    throw new RangeError(`Cannot ${op} ${showShape(shape)}: need f32 [B, H, W, C]`);
  }
  const axis = (name: string, size: number, k: 0 | 1): SlidAxis => {
    const [kernel, stride, padding] = [window.kernel[k], window.stride[k], window.padding[k]];
    const isWhole = [kernel, stride, padding].every(Number.isInteger);
    const count = windowsAlong({ size, kernel, stride, padding });
    if (!isWhole || kernel < 1 || stride < 1 || padding < 0 || count < 1) {
      throw new RangeError(
        `Cannot ${op} ${showShape(shape)}: need a window of at most ${size + 2 * padding} and a ` +
          `stride of at least 1 along ${name}: got ${kernel} and ${stride}`,
      );
    }
    return { size, count, kernel, stride, padding };
  };
  return { batch, channels, rows: axis("H", height, 0), columns: axis("W", width, 1) };
}

/** Number of windows along an axis; below 1 where none fits. */
export function windowsAlong(
  { size, kernel, stride, padding }: Omit<SlidAxis, "count">,
): number {
  return Math.floor((size + 2 * padding - kernel) / stride) + 1;
}

/** Neighbouring windows along an axis of which the same elements lie inside of the input. */
export interface WindowSpan {
  /** First window, and number of windows. */
  readonly first: number;
  readonly count: number;
  /** Elements [from, to) of each window lie inside; none where they are equal. */
  readonly from: number;
  readonly to: number;
}

/** All windows along an axis, in order. Those in the middle are one span. */
export function windowSpans({ size, count, kernel, stride, padding }: SlidAxis): WindowSpan[] {
  const spans: WindowSpan[] = [];
  for (let o = 0; o < count; o++) {
    const start = o * stride - padding;
    const from = Math.min(kernel, Math.max(0, -start));
    const to = Math.max(from, Math.min(kernel, size - start));
    const last = spans.at(-1);
    if (last !== undefined && last.from === from && last.to === to) {
      spans[spans.length - 1] = { ...last, count: last.count + 1 };
    } else spans.push({ first: o, count: 1, from, to });
  }
  return spans;
}

/** The windows whose element `k` lies inside of the input: a contiguous range. */
export function windowsInside(
  { size, count, stride, padding }: SlidAxis,
  k: number,
): { readonly first: number; readonly count: number } {
  const first = Math.min(count, Math.max(0, Math.ceil((padding - k) / stride)));
  const end = Math.max(first, Math.min(count, Math.floor((size - 1 + padding - k) / stride) + 1));
  return { first, count: end - first };
}

/** Values of the `override` constants of kernels, by name; all but `CHANNELS`. */
export function slidConstants({ rows, columns }: SlidSizes): Record<string, number> {
  return {
    SIZE_H: rows.size,
    SIZE_W: columns.size,
    ROWS: rows.count,
    COLUMNS: columns.count,
    KERNEL_H: rows.kernel,
    KERNEL_W: columns.kernel,
    STRIDE_H: rows.stride,
    STRIDE_W: columns.stride,
    PADDING_H: rows.padding,
    PADDING_W: columns.padding,
  };
}

/** Calls `visit` for each element of each window that lies inside of one image's input. */
export function eachInside(
  { rows, columns }: SlidSizes,
  visit: (at: {
    /** Index of the window, row-major. */
    readonly window: number;
    /** Index of the element in the window, row-major. */
    readonly k: number;
    /** Index of the element in the image, without channels. */
    readonly pixel: number;
  }) => void,
): void {
  for (let window = 0; window < rows.count * columns.count; window++) {
    const row = Math.floor(window / columns.count);
    const column = window % columns.count;
    for (let k = 0; k < rows.kernel * columns.kernel; k++) {
      const h = row * rows.stride - rows.padding + Math.floor(k / columns.kernel);
      const w = column * columns.stride - columns.padding + k % columns.kernel;
      if (h < 0 || h >= rows.size || w < 0 || w >= columns.size) continue;
      visit({ window, k, pixel: h * columns.size + w });
    }
  }
}
