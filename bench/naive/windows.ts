/** Naive kernels of convolution and max pooling: one thread per element, which looks at all windows. */
import type {
  FoldAttrs,
  MaxPoolBackwardAttrs,
  SlidingWindow,
} from "../../kernels/convolution/mod.ts";
import { type SlidSizes, slidSizes } from "../../kernels/convolution/sliding_window.ts";
import { sizeOf } from "../../src/base/shape.ts";
import type { Launch, Spec, Target } from "../../src/graph/types.ts";
import { linearGroups, linearHead } from "../../src/graph/wgsl.ts";
import type { Twin } from "./twin.ts";

/** The image of windows, from its rows or its pooled elements [B, H', W', ...]. */
function imageOf(batch: number, channels: number, size: FoldAttrs["size"]): Spec {
  return { shape: [batch, ...size, channels], dtype: "f32" };
}

/** Sizes as constants of WGSL. */
function constantsOf({ batch, channels, rows, columns }: SlidSizes): string {
  const of = (name: string, axis: SlidSizes["rows"]) =>
    `const SIZE_${name} = ${axis.size}; const COUNT_${name} = ${axis.count};
const KERNEL_${name} = ${axis.kernel}; const STRIDE_${name} = ${axis.stride};
const PADDING_${name} = ${axis.padding};
`;
  return `const BATCH = ${batch}; const CHANNELS = ${channels};\n${of("H", rows)}${
    of("W", columns)
  }`;
}

/** A launch with a thread for each element of an output; `body` writes it at `i`. */
function eachElement(
  output: Spec,
  { buffers, bindings, constants, body, target }: {
    buffers: readonly string[];
    bindings: Launch["bindings"];
    constants: string;
    body: string;
    target: Target;
  },
): Launch[] {
  const n = sizeOf(output.shape);
  const groups = linearGroups(n, target.groups);
  const declared = buffers.map((name, k) => `@group(0) @binding(${k}) var<storage, ${name};`);
  const wgsl = `${constants}${declared.join("\n")}\n${linearHead(n, groups)}\n${body}}\n`;
  return [{ wgsl, bindings, groups }];
}

/** Channel, column, row and image of element `i` of [B, H, W, C]. */
const PLACE = (height: string, width: string) => `
  let c = i32(i) % CHANNELS;
  let w = i32(i) / CHANNELS % ${width};
  let h = i32(i) / CHANNELS / ${width} % ${height};
  let b = i32(i) / CHANNELS / ${width} / ${height};
`;

export const unfoldTwin: Twin = {
  fills: [0],
  launch: ({ inputs: [x], outputs: [y] }, window: SlidingWindow, target) =>
    eachElement(y as Spec, {
      buffers: ["read> x: array<f32>", "read_write> y: array<f32>"],
      bindings: [{ input: 0 }, { output: 0 }],
      constants: constantsOf(slidSizes("unfold", x, window)),
      target,
      body: `
  let c = i32(i) % CHANNELS;
  let kw = i32(i) / CHANNELS % KERNEL_W;
  let kh = i32(i) / CHANNELS / KERNEL_W % KERNEL_H;
  let window = i32(i) / CHANNELS / KERNEL_W / KERNEL_H;
  let w = window % COUNT_W * STRIDE_W + kw - PADDING_W;
  let h = window / COUNT_W % COUNT_H * STRIDE_H + kh - PADDING_H;
  let b = window / COUNT_W / COUNT_H;
  y[i] = 0.0f;
  if (h >= 0 && h < SIZE_H && w >= 0 && w < SIZE_W) {
    y[i] = x[((b * SIZE_H + h) * SIZE_W + w) * CHANNELS + c];
  }
`,
    }),
};

export const foldTwin: Twin = {
  fills: [0],
  launch: ({ outputs: [y] }, { size, ...window }: FoldAttrs, target) => {
    const { shape: [batch = 1, , , channels = 1] } = y as Spec;
    return eachElement(y as Spec, {
      buffers: ["read> rows: array<f32>", "read_write> y: array<f32>"],
      bindings: [{ input: 0 }, { output: 0 }],
      constants: constantsOf(slidSizes("fold", imageOf(batch, channels, size), window)),
      target,
      body: `${PLACE("SIZE_H", "SIZE_W")}
  var total = 0.0f;
  for (var row = 0; row < COUNT_H; row++) {
    for (var column = 0; column < COUNT_W; column++) {
      let kh = h + PADDING_H - row * STRIDE_H;
      let kw = w + PADDING_W - column * STRIDE_W;
      if (kh < 0 || kh >= KERNEL_H || kw < 0 || kw >= KERNEL_W) { continue; }
      let window = (b * COUNT_H + row) * COUNT_W + column;
      total += rows[((window * KERNEL_H + kh) * KERNEL_W + kw) * CHANNELS + c];
    }
  }
  y[i] = total;
`,
    });
  },
};

export const maxPoolTwin: Twin = {
  fills: [0, 1],
  launch: ({ inputs: [x], outputs: [y] }, window: SlidingWindow, target) =>
    eachElement(y as Spec, {
      buffers: [
        "read> x: array<f32>",
        "read_write> y: array<f32>",
        "read_write> places: array<u32>",
      ],
      bindings: [{ input: 0 }, { output: 0 }, { output: 1 }],
      constants: constantsOf(slidSizes("max_pool", x, window)),
      target,
      body: `${PLACE("COUNT_H", "COUNT_W")}
  var isFound = false;
  for (var k = 0; k < KERNEL_H * KERNEL_W; k++) {
    let at_h = h * STRIDE_H + k / KERNEL_W - PADDING_H;
    let at_w = w * STRIDE_W + k % KERNEL_W - PADDING_W;
    if (at_h < 0 || at_h >= SIZE_H || at_w < 0 || at_w >= SIZE_W) { continue; }
    let value = x[((b * SIZE_H + at_h) * SIZE_W + at_w) * CHANNELS + c];
    if (isFound && value <= y[i]) { continue; }
    isFound = true;
    y[i] = value;
    places[i] = u32(k);
  }
`,
    }),
};

export const maxPoolBackwardTwin: Twin = {
  fills: [0],
  launch: ({ outputs: [dx] }, { size, ...window }: MaxPoolBackwardAttrs, target) => {
    const { shape: [batch = 1, , , channels = 1] } = dx as Spec;
    return eachElement(dx as Spec, {
      buffers: [
        "read> places: array<u32>",
        "read> dy: array<f32>",
        "read_write> dx: array<f32>",
      ],
      bindings: [{ input: 0 }, { input: 1 }, { output: 0 }],
      constants: constantsOf(slidSizes("max_pool", imageOf(batch, channels, size), window)),
      target,
      body: `${PLACE("SIZE_H", "SIZE_W")}
  var total = 0.0f;
  for (var row = 0; row < COUNT_H; row++) {
    for (var column = 0; column < COUNT_W; column++) {
      let kh = h + PADDING_H - row * STRIDE_H;
      let kw = w + PADDING_W - column * STRIDE_W;
      if (kh < 0 || kh >= KERNEL_H || kw < 0 || kw >= KERNEL_W) { continue; }
      let at = ((b * COUNT_H + row) * COUNT_W + column) * CHANNELS + c;
      if (places[at] == u32(kh * KERNEL_W + kw)) { total += dy[at]; }
    }
  }
  dx[i] = total;
`,
    });
  },
};
