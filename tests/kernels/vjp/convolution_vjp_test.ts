/** Gradients of unfolding and of max pooling, and which of equal elements wins. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  foldOp,
  maxPoolBackwardOp,
  maxPoolOp,
  type SlidingWindow,
  unfoldOp,
} from "../../../kernels/convolution/mod.ts";
import { checkVjp } from "../../support/graph/differences.ts";

const WINDOWS: readonly SlidingWindow[] = [
  { kernel: [2, 3], stride: [1, 1], padding: [0, 0] },
  { kernel: [3, 3], stride: [2, 1], padding: [1, 1] },
  { kernel: [2, 2], stride: [3, 3], padding: [1, 0] },
];
const SHAPE = [2, 5, 6, 3];

for (const window of WINDOWS) {
  const [kernel, stride, padding] = [window.kernel, window.stride, window.padding];
  const name = `[${kernel}] by [${stride}], padded by [${padding}]`;
  const x = { shape: SHAPE, dtype: "f32" as const };
  Deno.test(`the vjp of unfold ${name} matches differences`, async () => {
    await checkVjp(unfoldOp, { kind: "ragged", inputs: [x], attrs: window });
  });
  Deno.test(`the vjp of fold ${name} matches differences`, async () => {
    const inputs = unfoldOp.shape([x], window);
    await checkVjp(foldOp, { kind: "ragged", inputs, attrs: { ...window, size: [5, 6] } });
  });
  Deno.test(`the vjp of max_pool ${name} matches differences`, async () => {
    await checkVjp(maxPoolOp, { kind: "ragged", inputs: [x], attrs: window });
  });
}

Deno.test("the first of equal elements wins, and gets the whole gradient", () => {
  const window = { kernel: [1, 2], stride: [1, 1], padding: [0, 1] } as const;
  const x = { shape: [1, 1, 4, 1], dtype: "f32" as const, data: Float32Array.of(-3, 5, 5, 5) };
  const shape = [1, 1, 5, 1];
  const y = { shape, dtype: "f32" as const, data: new Float32Array(5) };
  const places = { shape, dtype: "u32" as const, data: new Uint32Array(5) };
  maxPoolOp.reference({ inputs: [x], outputs: [y, places] }, window);
  // Padding does not win, even over what is negative.
  assertEquals([...y.data], [-3, 5, 5, 5, 5]);
  assertEquals([...places.data], [1, 1, 0, 0, 0]);
  const dy = { ...y, data: Float32Array.of(1, 2, 4, 8, 16) };
  const dx = { ...x, data: new Float32Array(4).fill(9) };
  const attrs = { ...window, size: [1, 4] };
  maxPoolBackwardOp.reference({ inputs: [places, dy], outputs: [dx] }, attrs);
  assertEquals([...dx.data], [1, 6, 8, 16]);
});

Deno.test("rows that are no windows of an image are refused", () => {
  const window: SlidingWindow = { kernel: [3, 2], stride: [1, 1], padding: [0, 0] };
  assertThrows(
    () => foldOp.shape([{ shape: [1, 2, 3, 7], dtype: "f32" }], { ...window, size: [4, 4] }),
    RangeError,
    "Cannot fold [1, 2, 3, 7] to [4, 4]",
  );
});
