/** Attention layers: decoding in portions gives what the whole window gives, for every kind. */
import { assert, assertEquals, assertLessOrEqual, assertThrows } from "@std/assert";
import { alibiSlopes, headsOf, packedHeads } from "../../kernels/attention/mod.ts";
import { rootKey, uniforms } from "../../src/base/random.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { openReference } from "../../src/device/reference.ts";
import type { Device } from "../../src/device/types.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Tensor } from "../../src/graph/types.ts";
import type { PackedAttendOptions } from "../../src/nn/attention.ts";
import { attend, crossAttend, selfAttend } from "../../src/nn/attention.ts";
import { rotaryPositions } from "../../src/nn/positions.ts";
import type { Decode, Scope } from "../../src/nn/scope.ts";
import { newScope } from "../../src/nn/scope.ts";
import { compile } from "../../src/plan/compile.ts";
import { tolerance } from "../../src/testing/tolerance.ts";
import { onDevice, sharedGpu } from "../support/gpu.ts";

const gpu = sharedGpu();
const DEVICES = [["the reference", openReference], ["the GPU", gpu]] as const;

const [TIME, WIDTH] = [12, 4];

/** Packed self-attention of a kind: heads, and options that may need the scope. */
type Kind = PackedAttendOptions & { readonly rotary?: number };

const KINDS: Readonly<Record<string, Kind>> = {
  "plain": { heads: 2 },
  "with grouped heads": { heads: 4, kvHeads: 2 },
  "with one head of keys": { heads: 3, kvHeads: 1 },
  "in a window": { heads: 2, window: 3 },
  "with ALiBi": { heads: 2, alibi: alibiSlopes(2) },
  "with rotary positions": { heads: 2, rotary: 4 },
  "with partly rotated heads": { heads: 2, rotary: 2 },
  "with all of them": { heads: 4, kvHeads: 2, window: 5, alibi: alibiSlopes(4), rotary: 2 },
};

function traced(
  make: (scope: Scope, source: (name: string, shape: readonly number[]) => Tensor) => Tensor,
  decode?: Decode,
) {
  const trace = newTrace();
  const { scope } = newScope(trace, { training: false, ...decode && { decode } });
  const source = (name: string, shape: readonly number[]) =>
    trace.source({ shape, dtype: name === "lengths" ? "u32" : "f32" }, "batch", name);
  return { trace, y: make(scope, source) };
}

/** Loads what `make` traces; returns a function from values of its sources to y. */
async function opened(device: Device, { trace, y }: ReturnType<typeof traced>) {
  const { calls, constants } = trace;
  const memory = device.memory();
  const program = await device.load(compile({ calls, constants, results: { y } }), memory);
  return async (values: Readonly<Record<string, Float32Array | Uint32Array>>) => {
    for (const [name, data] of Object.entries(values)) memory.write(name, data);
    program.run();
    return await memory.read([{ slot: "y", offset: 0, length: sizeOf(y.shape) }]);
  };
}

function assertClose(got: Float32Array, want: Float32Array, what: string): void {
  assertEquals(got.length, want.length);
  const largest = want.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  const bound = tolerance(TIME + WIDTH + 64, largest);
  assert(bound > 0);
  got.forEach((v, i) => {
    assertLessOrEqual(Math.abs(v - (want[i] as number)), bound, `${what}: ${i}`);
  });
}

for (const [place, open] of DEVICES) {
  for (const [name, { rotary, ...options }] of Object.entries(KINDS)) {
    Deno.test(
      onDevice(place, `attention ${name} decodes what the whole window gives, on ${place}`),
      async () => {
        const device = await open();
        const { heads, kvHeads = heads } = options;
        const columns = (heads + 2 * kvHeads) * WIDTH;
        const values = uniforms(rootKey(4), TIME * columns, [-2, 2]);
        const attention = (count: number, decode?: Decode) =>
          traced((scope, source) => {
            const rotate = rotary === undefined
              ? undefined
              : rotaryPositions(scope, { rotated: rotary });
            return attend(scope, source("qkv", [1, count, columns]), { ...options, rotate });
          }, decode);
        const want = await (await opened(device, attention(TIME)))({ qkv: values });
        for (const count of [1, 3, 4]) {
          const portion = await opened(device, attention(count, { context: TIME + 3 }));
          for (let first = 0; first < TIME; first += count) {
            const got = await portion({
              qkv: values.slice(first * columns, (first + count) * columns),
              places: Uint32Array.from({ length: count }, (_, i) => first + i),
            });
            const model = heads * WIDTH;
            assertClose(
              got,
              want.slice(first * model, (first + count) * model),
              `${count}, ${first}`,
            );
          }
        }
      },
    );
  }

  Deno.test(
    onDevice(place, `cross attention decodes what the whole target gives, on ${place}`),
    async () => {
      const device = await open();
      const [heads, kvHeads, keys] = [4, 2, 7];
      const values = {
        kv: uniforms(rootKey(5), 2 * keys * 2 * kvHeads * WIDTH, [-2, 2]),
        lengths: Uint32Array.of(7, 3),
      };
      const model = heads * WIDTH;
      const queries = uniforms(rootKey(6), 2 * TIME * model, [-2, 2]);
      const attention = (count: number, decode?: Decode) =>
        traced((scope, source) => {
          const kv = source("kv", [2, keys, 2 * kvHeads * WIDTH]);
          return crossAttend(scope, {
            q: headsOf(source("q", [2, count, model]), { heads }),
            k: headsOf(kv, { heads: kvHeads, width: WIDTH }),
            v: headsOf(kv, { heads: kvHeads, first: kvHeads * WIDTH }),
          }, { lengths: source("lengths", [2]) });
        }, decode);
      const want = await (await opened(device, attention(TIME)))({ ...values, q: queries });
      const one = await opened(device, attention(1, { context: TIME }));
      for (let t = 0; t < TIME; t++) {
        const rows = (of: Float32Array) =>
          Float32Array.from(
            [0, 1].flatMap((
              b,
            ) => [...of.subarray((b * TIME + t) * model, (b * TIME + t + 1) * model)]),
          );
        assertClose(await one({ ...values, q: rows(queries) }), rows(want), `token ${t}`);
      }
    },
  );
}

Deno.test("decoding refuses masks that no cache can have", () => {
  const trace = newTrace();
  const { scope } = newScope(trace, { training: false, decode: { context: 9 } });
  const qkv = trace.source({ shape: [2, 3, 24], dtype: "f32" }, "batch", "qkv");
  const starts = trace.source({ shape: [2, 3], dtype: "u32" }, "batch", "starts");
  const views = packedHeads(qkv, 2);
  assertThrows(() => selfAttend(scope, views, { starts }), RangeError, "got starts");
  assertThrows(
    () => selfAttend(scope, views, { causal: false, segments: starts }),
    RangeError,
    "Cannot decode: needs attention with a causal mask: got causal: false, segments",
  );
  assertThrows(() => attend(scope, qkv, { heads: 5 }), RangeError, "a multiple of 3 x heads");
});

Deno.test("attention drops probabilities in training only, and not with a probability of 0", () => {
  const keysOf = (training: boolean, dropout?: number) => {
    const trace = newTrace();
    const { scope } = newScope(trace, { training });
    const qkv = trace.source({ shape: [2, 3, 24], dtype: "f32" }, "batch", "qkv");
    attend(scope, qkv, { heads: 2, dropout });
    crossAttend(scope, packedHeads(qkv, 2), { dropout });
    return trace.calls.map(({ attrs }) => attrs.dropout?.site);
  };
  assertEquals(keysOf(true, 0.5), [0, 1]);
  assertEquals(keysOf(true, 0), [undefined, undefined]);
  assertEquals(keysOf(true), [undefined, undefined]);
  assertEquals(keysOf(false, 0.5), [undefined, undefined]);
});
