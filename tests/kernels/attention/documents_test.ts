/** Document masking: a document in a packed window gives the same results as alone. */
import { assert, assertEquals } from "@std/assert";
import { attentionOp } from "../../../kernels/attention/mod.ts";
import { rootKey, uniforms } from "../../../src/base/random.ts";
import { sizeOf } from "../../../src/base/shape.ts";
import { openReference } from "../../../src/device/reference.ts";
import type { Device } from "../../../src/device/types.ts";
import { applyAll, newTrace } from "../../../src/graph/trace.ts";
import type { Tensor } from "../../../src/graph/types.ts";
import { compile } from "../../../src/plan/compile.ts";
import { onDevice, sharedGpu } from "../../support/gpu.ts";
import { gradientsOf, weightedSum } from "../../support/graph/run_trace.ts";
import { tolerance } from "../../../src/testing/tolerance.ts";

const gpu = sharedGpu();
const [HEADS, WIDTH] = [2, 8];
const MODEL = HEADS * WIDTH;
const ROW = 3 * MODEL;

/** Rows of T tokens, each with the weights of its result in the loss. */
interface Window {
  readonly time: number;
  readonly qkv: Float32Array;
  readonly weights: Float32Array;
}

function windowOf(time: number): Window {
  return {
    time,
    qkv: uniforms(rootKey(3), time * ROW, [-2, 2]),
    weights: uniforms(rootKey(4), time * MODEL, [-1, 1]),
  };
}

/** Tokens [first, last) of a window. */
function cut({ qkv, weights }: Window, first: number, last: number): Window {
  return {
    time: last - first,
    qkv: qkv.slice(first * ROW, last * ROW),
    weights: weights.slice(first * MODEL, last * MODEL),
  };
}

/** y, lse and the gradient of qkv, for a loss that weights y. */
async function resultsOf(
  device: Device,
  { time, qkv: values, weights }: Window,
  starts?: readonly number[],
): Promise<Record<"y" | "lse" | "dqkv", Float32Array>> {
  const trace = newTrace();
  const qkv = trace.source({ shape: [1, time, ROW], dtype: "f32" }, "batch", "qkv");
  const extra = starts === undefined
    ? []
    : [trace.source({ shape: [1, time], dtype: "u32" }, "batch", "starts")];
  const attrs = { heads: HEADS, causal: true, ...starts && { starts: true } };
  const [y, lse] = applyAll(attentionOp, [qkv, ...extra], attrs) as [Tensor, Tensor];
  const { dqkv } = gradientsOf(weightedSum([[y, weights]]), { dqkv: qkv });
  const results = { y, lse, dqkv: dqkv as Tensor };
  const memory = device.memory();
  const { calls, constants } = trace;
  const program = await device.load(compile({ calls, constants, results }), memory);
  memory.write("qkv", values);
  if (starts !== undefined) memory.write("starts", Uint32Array.from(starts));
  program.run();
  const read = (slot: "y" | "lse" | "dqkv") =>
    memory.read([{ slot, offset: 0, length: sizeOf(results[slot].shape) }]);
  return { y: await read("y"), lse: await read("lse"), dqkv: await read("dqkv") };
}

function assertClose(got: Float32Array, want: Float32Array, terms: number): void {
  assertEquals(got.length, want.length);
  const bound = tolerance(terms, want.reduce((m, v) => Math.max(m, Math.abs(v)), 0));
  assert(bound > 0);
  got.forEach((v, i) => assert(Math.abs(v - (want[i] as number)) <= bound, `${i}: ${v}`));
}

for (const [place, open] of [["the reference", openReference], ["the GPU", gpu]] as const) {
  Deno.test(
    onDevice(place, `each document of a window gives the same results as alone, on ${place}`),
    async () => {
      const device = await open();
      const window = windowOf(37);
      // Documents that end inside a tile and at its edge, and one of a single token.
      const edges = [0, 5, 16, 17, 37];
      const starts = edges.slice(0, -1).flatMap((first, k) =>
        Array.from({ length: (edges[k + 1] as number) - first }, () => first)
      );
      const whole = await resultsOf(device, window, starts);
      const terms = window.time + WIDTH + 64;
      for (let k = 0; k + 1 < edges.length; k++) {
        const [first, last] = edges.slice(k, k + 2) as [number, number];
        const alone = await resultsOf(device, cut(window, first, last));
        assertClose(whole.y.subarray(first * MODEL, last * MODEL), alone.y, terms);
        assertClose(whole.dqkv.subarray(first * ROW, last * ROW), alone.dqkv, 2 * terms);
      }
    },
  );

  Deno.test(
    onDevice(place, `starts of zero are bitwise equal to no starts, on ${place}`),
    async () => {
      const device = await open();
      for (const time of [1, 8, 37]) {
        const window = windowOf(time);
        const zeros = Array.from({ length: time }, () => 0);
        assertEquals(await resultsOf(device, window, zeros), await resultsOf(device, window));
      }
    },
  );

  Deno.test(
    onDevice(place, `a token that attends to itself only returns its own value, on ${place}`),
    async () => {
      const device = await open();
      const window = windowOf(9);
      const { y, lse } = await resultsOf(device, window, Array.from({ length: 9 }, (_, i) => i));
      for (let i = 0; i < 9; i++) {
        const value = window.qkv.subarray(i * ROW + 2 * MODEL, (i + 1) * ROW);
        assertClose(y.subarray(i * MODEL, (i + 1) * MODEL), value, 64);
      }
      assert(lse.every(Number.isFinite));
    },
  );
}
