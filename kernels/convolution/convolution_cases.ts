/** Shapes and windows that the ops of convolution are tested and timed with. */
import type { Case } from "../../src/graph/types.ts";
import { WORKGROUP_SIZE } from "../../src/graph/wgsl.ts";
import type { SlidingWindow } from "./sliding_window.ts";

/** A case of an op over x [B, H, W, C]. */
export interface WindowCase {
  readonly kind: Case["kind"];
  readonly shape: readonly [batch: number, height: number, width: number, channels: number];
  readonly window: SlidingWindow;
}

const plain = (kernel: number, stride = 1, padding = 0): SlidingWindow => ({
  kernel: [kernel, kernel],
  stride: [stride, stride],
  padding: [padding, padding],
});

const WINDOW_CASES: readonly WindowCase[] = [
  ...[1, 3, 4, 5, 8].map((channels): WindowCase => ({
    kind: "tile",
    shape: [2, 5, 6, channels],
    window: plain(3, 1, 1),
  })),
  ...[WORKGROUP_SIZE - 1, WORKGROUP_SIZE, WORKGROUP_SIZE + 1].map((width): WindowCase => ({
    kind: "tile",
    shape: [1, 1, width, 1],
    window: { kernel: [1, 2], stride: [1, 1], padding: [0, 1] },
  })),
  // One window, as large as the image.
  { kind: "tile", shape: [3, 4, 4, 2], window: plain(4) },
  { kind: "tile", shape: [3, 1, 9, 20], window: { ...plain(1), kernel: [1, 9] } },
  // Windows that overlap, that leave out elements, and whose last one ends before the axis does.
  { kind: "ragged", shape: [2, 7, 9, 3], window: plain(3, 2, 1) },
  { kind: "ragged", shape: [2, 8, 8, 6], window: plain(2, 2) },
  { kind: "ragged", shape: [2, 8, 11, 5], window: plain(2, 3) },
  { kind: "ragged", shape: [1, 9, 7, 4], window: plain(5, 1, 2) },
  {
    kind: "ragged",
    shape: [2, 6, 13, 7],
    window: { kernel: [2, 5], stride: [3, 2], padding: [1, 2] },
  },
  { kind: "ragged", shape: [5, 1, 23, 13], window: { ...plain(1), kernel: [1, 4] } },
  { kind: "bench", shape: [32, 28, 28, 1], window: plain(5, 1, 2) },
  { kind: "bench", shape: [32, 14, 14, 32], window: plain(3, 1, 1) },
];

/** The cases of an op, of what `make` makes of each shape and window. */
export function windowCases(make: (given: WindowCase) => Case): Case[] {
  return WINDOW_CASES.map(make);
}
