/**
 * Attention with a cache, a portion of the tokens at a time, equals attention over all tokens at
 * once: attention() itself, and for grouped heads, windows and ALiBi its definition in plain loops.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { CachedAttentionOptions } from "../../kernels/attention/mod.ts";
import {
  alibiSlopes,
  attention,
  cachedAttention,
  headsOf,
  packedHeads,
} from "../../kernels/attention/mod.ts";
import { indexCopy } from "../../kernels/shape/mod.ts";
import { rootKey, uniforms } from "../../src/base/random.ts";
import { openReference } from "../../src/device/reference.ts";
import type { Device } from "../../src/device/types.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Tensor, Trace } from "../../src/graph/types.ts";
import { attendCached } from "../../src/nn/cached_attention.ts";
import { newScope } from "../../src/nn/scope.ts";
import { compile } from "../../src/plan/compile.ts";
import { onDevice, onGpu, sharedGpu } from "../support/gpu.ts";
import { tolerance } from "../../src/testing/tolerance.ts";

const gpu = sharedGpu();
const DEVICES = [["the reference", openReference], ["the GPU", gpu]] as const;

const [BATCH, TIME, WIDTH] = [2, 21, 4];
/** Room of the cache, more than needed. */
const ROOM = TIME + 5;

/** A form of attention: heads, and what a token attends to. */
interface Form {
  readonly heads: number;
  /** Heads of keys and values. */
  readonly shared: number;
  readonly window?: number;
  readonly alibi?: readonly number[];
}

const FORMS: Readonly<Record<string, Form>> = {
  "grouped heads": { heads: 6, shared: 2 },
  "one head of keys": { heads: 3, shared: 1 },
  "a window": { heads: 3, shared: 3, window: 5 },
  "ALiBi": { heads: 3, shared: 3, alibi: alibiSlopes(3) },
  "ALiBi, a window and grouped heads": {
    heads: 4,
    shared: 2,
    window: 7,
    alibi: alibiSlopes(4),
  },
};

/** Columns of a row of queries, keys and values. */
function rowOf({ heads, shared }: Form): number {
  return (heads + 2 * shared) * WIDTH;
}

function valuesOf(form: Form): Float32Array {
  return uniforms(rootKey(9), BATCH * TIME * rowOf(form), [-2, 2]);
}

async function programOf(device: Device, trace: Trace, y: Tensor) {
  const memory = device.memory();
  const { calls, constants } = trace;
  return {
    memory,
    program: await device.load(compile({ calls, constants, results: { y } }), memory),
  };
}

/** y [B, T, D] of all tokens at once, by attention(). */
async function atOnce(device: Device, form: Form): Promise<Float32Array> {
  const trace = newTrace();
  const qkv = trace.source({ shape: [BATCH, TIME, rowOf(form)], dtype: "f32" }, "batch", "qkv");
  const heads = packedHeads(qkv, form.heads);
  const y = attention(heads, { mask: { causal: true } });
  const { memory, program } = await programOf(device, trace, y);
  memory.write("qkv", valuesOf(form));
  program.run();
  const length = BATCH * TIME * form.heads * WIDTH;
  return await memory.read([{ slot: "y", offset: 0, length }]);
}

/** y [B, T, D] of all tokens at once, in plain loops. */
function definition(form: Form): Float32Array {
  const { heads, shared, window = TIME, alibi } = form;
  const [qkv, row] = [valuesOf(form), rowOf(form)];
  const y = new Float32Array(BATCH * TIME * heads * WIDTH);
  const at = (b: number, t: number, head: number, c: number) =>
    qkv[(b * TIME + t) * row + head * WIDTH + c] as number;
  for (let b = 0; b < BATCH; b++) {
    for (let h = 0; h < heads; h++) {
      const key = heads + Math.floor(h * shared / heads);
      for (let i = 0; i < TIME; i++) {
        const weights = Array.from({ length: i + 1 }, (_, j) => {
          if (i - j >= window) return 0;
          let dot = 0;
          for (let c = 0; c < WIDTH; c++) dot += at(b, i, h, c) * at(b, j, key, c);
          return Math.exp(dot / Math.sqrt(WIDTH) - (alibi?.[h] ?? 0) * (i - j));
        });
        const total = weights.reduce((sum, w) => sum + w, 0);
        for (let c = 0; c < WIDTH; c++) {
          y[((b * TIME + i) * heads + h) * WIDTH + c] = weights.reduce(
            (sum, w, j) => sum + w / total * at(b, j, key + shared, c),
            0,
          );
        }
      }
    }
  }
  return y;
}

/** The same by attendCached(), `count` tokens at a time, with a cache larger than needed. */
async function inPortions(device: Device, form: Form, count: number): Promise<Float32Array> {
  const { heads, shared, ...options } = form;
  const [row, model] = [rowOf(form), heads * WIDTH];
  const trace = newTrace();
  const { scope } = newScope(trace, { training: false, decode: { context: ROOM } });
  const qkv = trace.source({ shape: [BATCH, count, row], dtype: "f32" }, "batch", "qkv");
  const part = (of: number, first: number) =>
    headsOf(qkv, { heads: of, first: first * WIDTH, width: WIDTH });
  const views = { q: part(heads, 0), k: part(shared, heads), v: part(shared, heads + shared) };
  const y = attendCached(scope, views, options);
  const { memory, program } = await programOf(device, trace, y);
  // Cache rows after a token's position must not matter.
  memory.write("cache", new Float32Array(BATCH * ROOM * 2 * shared * WIDTH).fill(NaN));
  const values = valuesOf(form);
  const all = new Float32Array(BATCH * TIME * model);
  for (let first = 0; first < TIME; first += count) {
    for (let b = 0; b < BATCH; b++) {
      const from = (b * TIME + first) * row;
      memory.write("qkv", values.slice(from, from + count * row), b * count * row);
    }
    memory.write("places", Uint32Array.from({ length: count }, (_, i) => first + i));
    program.run();
    const part = await memory.read([{ slot: "y", offset: 0, length: BATCH * count * model }]);
    for (let b = 0; b < BATCH; b++) {
      const own = part.subarray(b * count * model, (b + 1) * count * model);
      all.set(own, (b * TIME + first) * model);
    }
  }
  return all;
}

/** Asserts that portions of several sizes give `want`. */
async function assertPortions(device: Device, form: Form, want: Float32Array): Promise<void> {
  const bound = tolerance(TIME + WIDTH + 64, want.reduce((m, v) => Math.max(m, Math.abs(v)), 0));
  assert(bound > 0);
  for (const count of [1, 3, 7, 21]) {
    const got = await inPortions(device, form, count);
    assertEquals(got.length, want.length);
    got.forEach((v, i) => assert(Math.abs(v - (want[i] as number)) <= bound, `${count}: ${i}`));
  }
}

for (const [place, open] of DEVICES) {
  Deno.test(onDevice(place, `attention with a cache equals attention, on ${place}`), async () => {
    const device = await open();
    const form = { heads: 3, shared: 3 };
    await assertPortions(device, form, await atOnce(device, form));
  });

  for (const [name, form] of Object.entries(FORMS)) {
    Deno.test(
      onDevice(place, `attention with a cache and ${name} is its definition, on ${place}`),
      async () => {
        await assertPortions(await open(), form, definition(form));
      },
    );
  }
}

Deno.test(onGpu("separate keys and values are cached as packed ones are"), async () => {
  const device = await gpu();
  const yOf = async (separate: boolean) => {
    const trace = newTrace();
    const { scope } = newScope(trace, { training: false, decode: { context: 9 } });
    const source = (name: string, columns: number) =>
      trace.source({ shape: [2, 3, columns], dtype: "f32" }, "batch", name);
    const packed = packedHeads(source("qkv", 24), 2);
    const { q } = packed;
    const y = attendCached(
      scope,
      separate
        ? { q, k: headsOf(source("k", 8), { heads: 2 }), v: headsOf(source("v", 8), { heads: 2 }) }
        : packed,
    );
    const { memory, program } = await programOf(device, trace, y);
    const rows = Array.from({ length: 6 }, (_, i) => uniforms(rootKey(i), 24, [-2, 2]));
    const columns = (from: number, to: number) =>
      Float32Array.from(rows.flatMap((row) => [...row.subarray(from, to)]));
    memory.write("qkv", columns(0, 24));
    if (separate) {
      memory.write("k", columns(8, 16));
      memory.write("v", columns(16, 24));
    }
    memory.write("places", Uint32Array.of(0, 1, 2));
    program.run();
    return await memory.read([{ slot: "y", offset: 0, length: 2 * 3 * 8 }]);
  };
  assertEquals(await yOf(true), await yOf(false));
});

Deno.test("a cached row that another op has overwritten is not read", () => {
  const trace = newTrace();
  const f32 = (...shape: number[]) => trace.source({ shape, dtype: "f32" }, "carry", `${shape}`);
  const cache = f32(1, 4, 8);
  const index = trace.source({ shape: [1], dtype: "u32" }, "batch", "places");
  const x = f32(1, 1, 8);
  indexCopy(cache, x, { index, first: 0, count: 8, to: 0 });
  const k = headsOf(cache, { heads: 1, width: 4 });
  const v = headsOf(cache, { heads: 1, first: 4 });
  const y = cachedAttention(headsOf(x, { heads: 1, width: 4 }), { k, v, places: index });
  const { calls, constants } = trace;
  const error = assertThrows(() => compile({ calls, constants, results: { y } }), RangeError);
  assert(error.message.includes("it reads what that overwrites"));
});

Deno.test("two masks are refused, and windows without places", () => {
  const trace = newTrace();
  const x = trace.source({ shape: [2, 3, 8], dtype: "f32" }, "batch", "x");
  const places = trace.source({ shape: [3], dtype: "u32" }, "batch", "places");
  const lengths = trace.source({ shape: [2], dtype: "u32" }, "batch", "lengths");
  const heads = headsOf(x, { heads: 2 });
  const attend = (options: Partial<CachedAttentionOptions>) =>
    cachedAttention(heads, { k: heads, v: heads, ...options });
  assertThrows(() => attend({ places, lengths }), RangeError, "got both");
  assertThrows(() => attend({ lengths, window: 2 }), RangeError, "need places: got lengths");
  assertThrows(() => attend({ alibi: [1, 1] }), RangeError, "need places: got none");
  assertThrows(() => attend({ places, divisor: 0 }), RangeError, "the divisor");
  const { scope } = newScope(trace, { training: false });
  assertThrows(
    () => attendCached(scope, { q: heads, k: heads, v: heads }),
    RangeError,
    "the scope is not one of decoding",
  );
});
