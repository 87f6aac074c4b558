/** WebAssembly kernels of max pooling. */
import type { Body, Variable } from "../../src/wasm/body.ts";
import type { WasmKernel } from "../../src/wasm/kernel.ts";
import type { Area, Pointer, V128 } from "../../src/wasm/values.ts";
import { f32x4, i32x4, v128 } from "../../src/wasm/vectors.ts";
import { fillColumns } from "../emit/copy_wasm.ts";
import { eachColumns } from "../emit/rows_wasm.ts";
import { type SlidSizes, type WindowSpan, windowSpans } from "./sliding_window.ts";

/** A part of the windows of an image: those with the same elements inside. */
interface PooledSpan {
  readonly rows: WindowSpan;
  readonly columns: WindowSpan;
}

/** Input x; outputs maxima and their places. */
export function maxPoolKernel(sizes: SlidSizes): WasmKernel {
  return {
    print: (b, { inputs: [x], outputs: [y, places] }) => {
      eachWindow(
        b,
        sizes,
        { image: x as Area, maxima: [y as Area, places as Area] },
        (span, at) => {
          printMaximum(b, sizes, span, at);
        },
      );
    },
  };
}

/** Inputs places and dy; output dx: sums in the order of windows. */
export function maxPoolBackwardKernel(sizes: SlidSizes): WasmKernel {
  return {
    print: (b, { inputs: [places, dy], outputs: [dx] }) => {
      const { batch, channels, rows, columns } = sizes;
      fillColumns(b, batch * rows.size * columns.size * channels, { to: b.at(dx as Area) });
      const areas = { image: dx as Area, maxima: [places as Area, dy as Area] };
      eachWindow(b, sizes, areas, (span, at) => printAddition(b, sizes, span, at));
    },
  };
}

/**
 * Prints loops over all windows, in order within a span. `body` gets pointers to the first element of
 * the window that lies inside of the image, and to the window's maxima.
 */
function eachWindow(
  b: Body,
  { batch, channels, rows, columns }: SlidSizes,
  { image, maxima }: { readonly image: Area; readonly maxima: readonly Area[] },
  body: (span: PooledSpan, at: readonly Pointer[]) => void,
): void {
  const pixel = 4 * channels;
  const line = columns.size * pixel;
  const row = columns.count * pixel;
  const all = (area: Area) => [b.at(area), rows.count * row] as const;
  b.walk(batch, [[b.at(image), rows.size * line], ...maxima.map(all)], (start, ...found) => {
    for (const high of windowSpans(rows)) {
      const h = high.first * rows.stride - rows.padding + high.from;
      b.walk(high.count, [
        [(start as Pointer).plus(h * line), rows.stride * line],
        ...found.map((to) => [to.plus(high.first * row), row] as const),
      ], (start, ...found) => {
        for (const wide of windowSpans(columns)) {
          const w = wide.first * columns.stride - columns.padding + wide.from;
          b.walk(wide.count, [
            [(start as Pointer).plus(w * pixel), columns.stride * pixel],
            ...found.map((to) => [to.plus(wide.first * pixel), pixel] as const),
          ], (...at) => body({ rows: high, columns: wide }, at));
        }
      });
    }
  });
}

/**
 * Prints a loop over the elements of a window that lie inside of the image, in order. `body` gets the
 * address of an element, and its place in the window, in all lanes.
 */
function eachPlace(
  b: Body,
  { channels, columns }: SlidSizes,
  { span, from }: { readonly span: PooledSpan; readonly from: Pointer },
  body: (at: Pointer, place: Variable) => void,
): void {
  const [pixel, high, wide] = [4 * channels, span.rows, span.columns];
  const width = wide.to - wide.from;
  const place = b.variable(i32x4.splat(high.from * columns.kernel + wide.from));
  b.walk(high.to - high.from, [[from, columns.size * pixel]], (line) => {
    b.walk(width, [[line as Pointer, pixel]], (at) => {
      body(at as Pointer, place);
      b.set(place, i32x4.add(place, i32x4.splat(1)));
    });
    b.set(place, i32x4.add(place, i32x4.splat(columns.kernel - width)));
  });
}

function printMaximum(
  b: Body,
  sizes: SlidSizes,
  span: PooledSpan,
  from: readonly Pointer[],
): void {
  const first = i32x4.splat(span.rows.from * sizes.columns.kernel + span.columns.from);
  eachColumns(b, sizes.channels, { from }, ({ at, lanes }) => {
    const [start, y, places] = at as [Pointer, Pointer, Pointer];
    const best = lanes.map((n, k) => b.variable(b.loadSome(start.plus(16 * k), n)));
    const found = lanes.map(() => b.variable(first));
    eachPlace(b, sizes, { span, from: start }, (element, place) => {
      lanes.forEach((n, k) => {
        const [known, where] = [best[k] as Variable, found[k] as Variable];
        const value = b.let(b.loadSome(element.plus(16 * k), n));
        const isLarger = b.let(f32x4.gt(value, known));
        b.set(known, v128.select(isLarger, value, known));
        b.set(where, v128.select(isLarger, place, where));
      });
    });
    lanes.forEach((n, k) => b.storeSome(y.plus(16 * k), best[k] as V128, n));
    lanes.forEach((n, k) => b.storeSome(places.plus(16 * k), found[k] as V128, n));
  });
}

function printAddition(
  b: Body,
  sizes: SlidSizes,
  span: PooledSpan,
  from: readonly Pointer[],
): void {
  eachColumns(b, sizes.channels, { from }, ({ at, lanes }) => {
    const [start, places, dy] = at as [Pointer, Pointer, Pointer];
    const found = lanes.map((n, k) => b.let(b.loadSome(places.plus(16 * k), n)));
    const flows = lanes.map((n, k) => b.let(b.loadSome(dy.plus(16 * k), n)));
    eachPlace(b, sizes, { span, from: start }, (element, place) => {
      lanes.forEach((n, k) => {
        const own = v128.and(i32x4.eq(found[k] as V128, place), flows[k] as V128);
        const sum = b.let(f32x4.add(b.loadSome(element.plus(16 * k), n), own));
        b.storeSome(element.plus(16 * k), sum, n);
      });
    });
  });
}
