/** WebAssembly kernels of unfold and fold. A row of a window is contiguous in the image. */
import type { Body } from "../../src/wasm/body.ts";
import type { WasmKernel } from "../../src/wasm/kernel.ts";
import type { Area, Pointer } from "../../src/wasm/values.ts";
import { f32x4 } from "../../src/wasm/vectors.ts";
import { copyColumns, fillColumns } from "../emit/copy_wasm.ts";
import { eachColumns } from "../emit/rows_wasm.ts";
import { type SlidSizes, windowsInside, windowSpans } from "./sliding_window.ts";

/** Bytes of an image's pixel and row, of a window, of a row of windows, and of all of an image. */
function bytesOf({ channels, rows, columns }: SlidSizes) {
  const pixel = 4 * channels;
  const line = columns.size * pixel;
  const window = rows.kernel * columns.kernel * pixel;
  return {
    pixel,
    line,
    image: rows.size * line,
    window,
    windows: columns.count * window,
    unfolded: rows.count * columns.count * window,
  };
}

/** Input x; output the rows of its windows. */
export function unfoldKernel(sizes: SlidSizes): WasmKernel {
  const { batch, channels, rows, columns } = sizes;
  const bytes = bytesOf(sizes);
  const spans = windowSpans(columns);
  return {
    print: (b, { inputs: [x], outputs: [y] }) => {
      const walks = [
        [b.at(y as Area), bytes.unfolded],
        [b.at(x as Area), bytes.image],
      ] as const;
      b.walk(batch, walks, (...images) => {
        const [to, from] = images as [Pointer, Pointer];
        for (let kh = 0; kh < rows.kernel; kh++) {
          const own = to.plus(kh * columns.kernel * bytes.pixel);
          const { first, count } = windowsInside(rows, kh);
          const clear = (row: number, end: number): void => {
            const at = own.plus(row * bytes.windows);
            b.walk((end - row) * columns.count, [[at, bytes.window]], (to) => {
              fillColumns(b, columns.kernel * channels, { to: to as Pointer });
            });
          };
          clear(0, first);
          clear(first + count, rows.count);
          if (count === 0) continue;
          const line = first * rows.stride + kh - rows.padding;
          b.walk(count, [
            [own.plus(first * bytes.windows), bytes.windows],
            [from.plus(line * bytes.line), rows.stride * bytes.line],
          ], (...lines) => {
            const [to, from] = lines as [Pointer, Pointer];
            for (const span of spans) {
              const [before, inside] = [span.from, span.to - span.from];
              const start = inside === 0
                ? 0
                : span.first * columns.stride - columns.padding + before;
              b.walk(span.count, [
                [to.plus(span.first * bytes.window), bytes.window],
                [from.plus(start * bytes.pixel), columns.stride * bytes.pixel],
              ], (...windows) => {
                const [to, from] = windows as [Pointer, Pointer];
                fillColumns(b, before * channels, { to });
                copyColumns(b, inside * channels, { from, to: to.plus(before * bytes.pixel) });
                fillColumns(b, (columns.kernel - span.to) * channels, {
                  to: to.plus(span.to * bytes.pixel),
                });
              });
            }
          });
        }
      });
    },
  };
}

/** Input the rows of windows; output the image: sums in the order of places in a window. */
export function foldKernel(sizes: SlidSizes): WasmKernel {
  const { batch, channels, rows, columns } = sizes;
  const bytes = bytesOf(sizes);
  return {
    print: (b, { inputs: [x], outputs: [y] }) => {
      const walks = [
        [b.at(y as Area), bytes.image],
        [b.at(x as Area), bytes.unfolded],
      ] as const;
      b.walk(batch, walks, (...images) => {
        const [to, from] = images as [Pointer, Pointer];
        fillColumns(b, rows.size * columns.size * channels, { to });
        for (let k = 0; k < rows.kernel * columns.kernel; k++) {
          const [kh, kw] = [Math.floor(k / columns.kernel), k % columns.kernel];
          const [high, wide] = [windowsInside(rows, kh), windowsInside(columns, kw)];
          if (high.count === 0 || wide.count === 0) continue;
          const h = high.first * rows.stride + kh - rows.padding;
          const w = wide.first * columns.stride + kw - columns.padding;
          const own = from.plus(
            high.first * bytes.windows + wide.first * bytes.window + k * bytes.pixel,
          );
          b.walk(high.count, [
            [to.plus(h * bytes.line + w * bytes.pixel), rows.stride * bytes.line],
            [own, bytes.windows],
          ], (...lines) => {
            const [to, from] = lines as [Pointer, Pointer];
            b.walk(wide.count, [
              [to, columns.stride * bytes.pixel],
              [from, bytes.window],
            ], (...pixels) => addColumns(b, channels, pixels as [Pointer, Pointer]));
          });
        }
      });
    },
  };
}

/** Adds `count` contiguous elements to others. */
function addColumns(b: Body, count: number, [to, from]: readonly [Pointer, Pointer]): void {
  eachColumns(b, count, { from: [to, from] }, ({ at, lanes }) => {
    const [p, q] = at as [Pointer, Pointer];
    const values = lanes.map((n, k) =>
      b.let(f32x4.add(b.loadSome(p.plus(16 * k), n), b.loadSome(q.plus(16 * k), n)))
    );
    lanes.forEach((n, k) => b.storeSome(p.plus(16 * k), values[k] ?? f32x4.splat(0), n));
  });
}
