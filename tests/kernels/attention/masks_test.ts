/** Laws of attention's masks, and of query heads that share heads of keys and values. */
import { assert, assertEquals } from "@std/assert";
import { attention, headsOf, packedHeads } from "../../../kernels/attention/mod.ts";
import type { AttentionMask, HeadTriple } from "../../../kernels/attention/mod.ts";
import { rootKey, uniforms } from "../../../src/base/random.ts";
import { sizeOf } from "../../../src/base/shape.ts";
import { openReference } from "../../../src/device/reference.ts";
import type { Device } from "../../../src/device/types.ts";
import type { Tensor } from "../../../src/graph/types.ts";
import { tolerance } from "../../../src/testing/tolerance.ts";
import { onDevice, sharedGpu } from "../../support/gpu.ts";
import { gradientsOf, runTrace, weightedSum } from "../../support/graph/run_trace.ts";
import { sources } from "../../support/graph/sources.ts";
import type { Sources } from "../../support/graph/sources.ts";

const gpu = sharedGpu();
const DEVICES = [["the reference", openReference], ["the GPU", gpu]] as const;

const [BATCH, TIME, HEADS, WIDTH] = [2, 37, 4, 8];
const MODEL = HEADS * WIDTH;

/** y and the gradient of qkv, for masks of self-attention. */
async function resultsOf(
  device: Device,
  mask: (made: Sources) => AttentionMask,
): Promise<Record<string, Float64Array>> {
  const made = sources();
  const qkv = made.f32("qkv", [BATCH, TIME, 3 * MODEL]);
  const y = attention(packedHeads(qkv, HEADS), { mask: mask(made) });
  const weights = uniforms(rootKey(4), sizeOf(y.shape), [-1, 1]);
  const { dqkv } = gradientsOf(weightedSum([[y, weights]]), { dqkv: qkv });
  return await runTrace(device, { y, dqkv: dqkv as Tensor }, made.values);
}

/** Masks that mask nothing more than the other one. */
const SAME: Readonly<Record<string, [AttentionMask, (made: Sources) => AttentionMask]>> = {
  "lengths of all keys": [{}, ({ u32 }) => ({ lengths: u32("lengths", [BATCH], () => TIME) })],
  "lengths beyond the keys": [{}, ({ u32 }) => ({ lengths: u32("lengths", [BATCH], () => 99) })],
  "one segment": [{}, ({ u32 }) => ({ segments: u32("ids", [BATCH, TIME], () => 7) })],
  "a window of all keys": [{}, () => ({ window: TIME })],
  "a causal window of all keys": [{ causal: true }, () => ({ causal: true, window: TIME })],
  "causal lengths of all keys": [
    { causal: true },
    ({ u32 }) => ({ causal: true, lengths: u32("lengths", [BATCH], () => TIME) }),
  ],
};

for (const [place, open] of DEVICES) {
  for (const [name, [plain, other]] of Object.entries(SAME)) {
    Deno.test(
      onDevice(place, `attention with ${name} equals attention without, on ${place}`),
      async () => {
        const device = await open();
        const [got, want] = [await resultsOf(device, other), await resultsOf(device, () => plain)];
        for (const what of ["y", "dqkv"]) {
          const [a, b] = [got[what], want[what]] as [Float64Array, Float64Array];
          const largest = b.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
          const bound = tolerance(2 * (TIME + WIDTH + 64), largest);
          b.forEach((v, i) => assert(Math.abs(v - (a[i] as number)) <= bound, `${what} at ${i}`));
        }
      },
    );
  }

  Deno.test(
    onDevice(place, `segments of a row give what each gives alone, on ${place}`),
    async () => {
      const device = await open();
      const split = 13;
      const whole = await resultsOf(device, ({ u32 }) => ({
        segments: u32("ids", [BATCH, TIME], (at) => at % TIME < split ? 3 : 1),
      }));
      const first = await resultsOf(device, ({ u32 }) => ({
        lengths: u32("lengths", [BATCH], () => split),
      }));
      const bound = tolerance(TIME + WIDTH + 64, 2);
      for (let b = 0; b < BATCH; b++) {
        for (let at = b * TIME * MODEL; at < (b * TIME + split) * MODEL; at++) {
          assert(Math.abs((whole.y?.[at] as number) - (first.y?.[at] as number)) <= bound);
        }
      }
    },
  );

  Deno.test(
    onDevice(place, `a query without keys gives zeros, and no gradient to any tensor, on ${place}`),
    async () => {
      const got = await resultsOf(await open(), ({ u32 }) => ({
        lengths: u32("lengths", [BATCH], (b) => b === 0 ? 0 : TIME),
      }));
      const part = (data: Float64Array | undefined, b: number) => {
        const row = (data as Float64Array).length / BATCH;
        return (data as Float64Array).subarray(b * row, (b + 1) * row);
      };
      for (const data of [got.y, got.dqkv]) {
        assert(part(data, 0).every((v) => v === 0));
        assert(part(data, 1).every(Number.isFinite));
        assert(part(data, 1).some((v) => v !== 0));
      }
    },
  );

  Deno.test(
    onDevice(place, `grouped heads give what repeated heads of keys and values give, on ${place}`),
    async () => {
      const device = await open();
      const kvHeads = 2;
      const [q, kv] = [[BATCH, TIME, MODEL], [BATCH, TIME, 2 * kvHeads * WIDTH]] as const;
      const shared = sources();
      const grouped = (() => {
        const [query, pair] = [shared.f32("q", q), shared.f32("kv", kv)];
        const k = headsOf(pair, { heads: kvHeads, width: WIDTH });
        return { q: headsOf(query, { heads: HEADS }), k, v: { ...k, first: kvHeads * WIDTH } };
      })();
      const apart = sources();
      const wide = [BATCH, TIME, 2 * MODEL];
      const repeated = (() => {
        const [query, pair] = [apart.f32("q", q), apart.f32("kv", wide)];
        const k = headsOf(pair, { heads: HEADS, width: WIDTH });
        return { q: headsOf(query, { heads: HEADS }), k, v: { ...k, first: MODEL } };
      })();
      /** Column of the shared tensor that a column of the repeated one holds. */
      const column = (c: number) => {
        const [side, head] = [Math.floor(c / MODEL), Math.floor(c % MODEL / WIDTH)];
        return side * kvHeads * WIDTH + Math.floor(head * kvHeads / HEADS) * WIDTH + c % WIDTH;
      };
      const [from, to] = [2 * kvHeads * WIDTH, 2 * MODEL];
      const narrow = shared.values.kv as Float32Array;
      apart.values.kv = Float32Array.from(
        { length: BATCH * TIME * to },
        (_, at) => narrow[Math.floor(at / to) * from + column(at % to)] as number,
      );
      const run = async ({ values }: Sources, heads: HeadTriple) => {
        const y = attention(heads, { mask: { causal: true } });
        const weights = uniforms(rootKey(4), sizeOf(y.shape), [-1, 1]);
        const loss = weightedSum([[y, weights]]);
        const flows = gradientsOf(loss, { dq: heads.q.of, dkv: heads.k.of });
        return await runTrace(device, { y, ...flows }, values);
      };
      const [got, want] = [await run(shared, grouped), await run(apart, repeated)];
      const summed = new Float64Array(narrow.length);
      want.dkv?.forEach((v, at) => {
        const place = Math.floor(at / to) * from + column(at % to);
        summed[place] = (summed[place] as number) + v;
      });
      const pairs = [[got.y, want.y], [got.dq, want.dq], [got.dkv, summed]];
      for (const [a, b] of pairs as [Float64Array, Float64Array][]) {
        assertEquals(a.length, b.length);
        const largest = b.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
        const bound = tolerance(2 * (2 * TIME + WIDTH + 64), largest);
        b.forEach((v, i) =>
          assert(Math.abs(v - (a[i] as number)) <= bound, `at ${i}: ${a[i]}, ${v}`)
        );
      }
    },
  );
}
