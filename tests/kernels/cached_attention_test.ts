/** Attention with a KV cache equals attention() over all tokens at once. */
import { assert, assertEquals } from "@std/assert";
import { attention, cachedAttention } from "../../kernels/attention/mod.ts";
import { rootKey, uniforms } from "../../src/base/random.ts";
import { openReference } from "../../src/device/reference.ts";
import type { Device } from "../../src/device/types.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Tensor, Trace } from "../../src/graph/types.ts";
import { compile } from "../../src/plan/compile.ts";
import { sharedGpu } from "../support/gpu.ts";
import { tolerance } from "../../src/testing/tolerance.ts";

const gpu = sharedGpu();
const [BATCH, TIME, HEADS, WIDTH] = [2, 21, 3, 4];
const ROW = 3 * HEADS * WIDTH;
const MODEL = HEADS * WIDTH;

const VALUES = uniforms(rootKey(9), BATCH * TIME * ROW, [-2, 2]);

async function programOf(device: Device, trace: Trace, y: Tensor) {
  const memory = device.memory();
  const { calls, constants } = trace;
  return {
    memory,
    program: await device.load(compile({ calls, constants, results: { y } }), memory),
  };
}

/** y [B, T, D] of all tokens at once. */
async function atOnce(device: Device): Promise<Float32Array> {
  const trace = newTrace();
  const qkv = trace.source({ shape: [BATCH, TIME, ROW], dtype: "f32" }, "batch", "qkv");
  const { memory, program } = await programOf(device, trace, attention(qkv, HEADS));
  memory.write("qkv", VALUES);
  program.run();
  return await memory.read([{ slot: "y", offset: 0, length: BATCH * TIME * MODEL }]);
}

/** The same, `count` tokens at a time, with a cache larger than needed. */
async function inPortions(device: Device, count: number): Promise<Float32Array> {
  const trace = newTrace();
  const f32 = (time: number) => ({ shape: [BATCH, time, ROW], dtype: "f32" } as const);
  const qkv = trace.source(f32(count), "batch", "qkv");
  const cache = trace.source(f32(TIME + 5), "carry", "cache");
  const places = trace.source({ shape: [count], dtype: "u32" }, "batch", "places");
  const y = cachedAttention(qkv, { heads: HEADS, cache, places });
  const { memory, program } = await programOf(device, trace, y);
  // Cache rows after a token's position must not matter.
  memory.write("cache", new Float32Array(BATCH * (TIME + 5) * ROW).fill(NaN));
  const all = new Float32Array(BATCH * TIME * MODEL);
  for (let first = 0; first < TIME; first += count) {
    for (let b = 0; b < BATCH; b++) {
      const from = (b * TIME + first) * ROW;
      memory.write("qkv", VALUES.slice(from, from + count * ROW), b * count * ROW);
    }
    memory.write("places", Uint32Array.from({ length: count }, (_, i) => first + i));
    program.run();
    const part = await memory.read([{ slot: "y", offset: 0, length: BATCH * count * MODEL }]);
    for (let b = 0; b < BATCH; b++) {
      const own = part.subarray(b * count * MODEL, (b + 1) * count * MODEL);
      all.set(own, (b * TIME + first) * MODEL);
    }
  }
  return all;
}

for (const [place, open] of [["the reference", openReference], ["the GPU", gpu]] as const) {
  Deno.test(`attention with a cache equals attention, on ${place}`, async () => {
    const device = await open();
    const want = await atOnce(device);
    const bound = tolerance(TIME + WIDTH + 64, want.reduce((m, v) => Math.max(m, Math.abs(v)), 0));
    assert(bound > 0);
    for (const count of [1, 3, 7, 21]) {
      const got = await inPortions(device, count);
      assertEquals(got.length, want.length);
      got.forEach((v, i) => assert(Math.abs(v - (want[i] as number)) <= bound, `${count}: ${i}`));
    }
  });
}
