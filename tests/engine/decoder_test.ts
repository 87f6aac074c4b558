/** A decoder's logits equal those of the model on the whole window, at every position. */
import { assert, assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import type { NamedTensor } from "../../src/checkpoint/tensors/tensor.ts";
import { openReference } from "../../src/device/reference.ts";
import type { Device } from "../../src/device/types.ts";
import type { ModelConfig } from "../../src/models/mod.ts";
import { modelSchema } from "../../src/models/mod.ts";
import type { DecodedModel } from "../../src/engine/decode_plan.ts";
import { keptTokens } from "../../src/engine/decode_window.ts";
import { Decoder } from "../../src/engine/decoder.ts";
import { holdParams } from "../../src/engine/load_params.ts";
import { fullLogits } from "../../src/engine/whole/whole_window.ts";
import { someParams } from "../../src/testing/full_window.ts";
import { randomTokens, tinyConfig } from "../support/gpt.ts";
import { onDevice, sharedGpu } from "../support/gpu.ts";
import { tinyRecurrent } from "../support/recurrent.ts";

const gpu = sharedGpu();
const DEVICES: Readonly<Record<string, () => Promise<Device>>> = {
  "the reference": () => Promise.resolve(openReference()),
  "the GPU": gpu,
};

const VOCABULARY = 13;
/** One chunk of 64, and a rest. */
const CONTEXT = 75;
const RELATIVE = 1e-4;

const gpt = (model: Parameters<typeof tinyConfig>[0] = {}): ModelConfig => tinyConfig(model).model;
const net = (model: Record<string, unknown>): ModelConfig =>
  tinyRecurrent({ model: { kind: "recurrent", layers: 2, ...model }, data: { bptt: 8 } }).model;

const moe = (model: Record<string, unknown>): ModelConfig =>
  modelSchema.parse({ kind: "moe", width: 12, heads: 2, mlp_width: 9, experts: 5, ...model });

const MODELS: Readonly<Record<string, ModelConfig>> = {
  "a transformer": gpt({ model: { layers: 2 } }),
  "a transformer with sinusoids": gpt({ model: { layers: 2, positions: "sinusoidal" } }),
  "a transformer with rotary positions": gpt({ model: { layers: 2, positions: "rotary" } }),
  "a transformer with ALiBi": gpt({ model: { layers: 2, positions: "alibi" } }),
  "a transformer without positions": gpt({ model: { layers: 2, positions: "none" } }),
  "a transformer with grouped heads": gpt({
    model: { layers: 2, width: 24, heads: 6, kv_heads: 2 },
  }),
  "a transformer with a window": gpt({ model: { layers: 2, attention_window: 9 } }),
  "a tied transformer of odd width": gpt({ model: { tie_embeddings: true, width: 9, heads: 3 } }),
  "a transformer wider than its base": gpt({
    model: { layers: 2, mup_base_width: 4, mup_base_heads: 1 },
  }),
  "a mixture of experts": moe({}),
  // A capacity is for training alone: whom it leaves out depends on later tokens.
  "a mixture of experts with a capacity": moe({ experts_per_token: 3, capacity_factor: 0.1 }),
  "an rnn of tanh": net({ cell: "rnn_tanh" }),
  "an rnn of relu": net({ cell: "rnn_relu" }),
  "an lstm": net({ cell: "lstm" }),
  "a gru": net({ cell: "gru" }),
  "a gru that resets before": net({ cell: "gru_before" }),
};

interface Parts extends DecodedModel {
  readonly params: ReadonlyMap<string, NamedTensor>;
}

function partsOf(name: string, context = CONTEXT): Parts {
  const model = { model: MODELS[name] as ModelConfig, vocabulary: VOCABULARY, context };
  return { ...model, params: someParams(model) };
}

async function decoderOf(device: Device, parts: Parts, rows = 1): Promise<Decoder> {
  const memory = device.memory();
  const layout = holdParams(memory, parts, parts.params);
  return await Decoder.open(device, { ...parts, memory, layout, rows });
}

/** Columns [from, to) of tokens [rows, n]. */
function columns(tokens: Uint32Array, rows: number, [from, to]: readonly [number, number]) {
  const n = tokens.length / rows;
  return Uint32Array.from(
    Array.from({ length: rows }, (_, r) => [...tokens.subarray(r * n + from, r * n + to)]).flat(),
  );
}

/** The logits of position `t` in logits [rows, T, V], row by row. */
function at(logits: Float32Array, rows: number, t: number): Float32Array {
  const row = logits.length / rows;
  return Float32Array.from(
    Array.from(
      { length: rows },
      (_, r) => [...logits.subarray(r * row + t * VOCABULARY, r * row + (t + 1) * VOCABULARY)],
    ).flat(),
  );
}

function assertClose(got: Float32Array, want: Float32Array, what: string, relative = RELATIVE) {
  const largest = want.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  assertEquals(got.length, want.length);
  assert(largest > 0);
  got.forEach((v, i) => assertLess(Math.abs(v - (want[i] as number)), relative * largest, what));
}

for (const [place, open] of Object.entries(DEVICES)) {
  for (const name of Object.keys(MODELS)) {
    Deno.test(
      onDevice(place, `${name} fed token by token says what the whole window says, on ${place}`),
      async () => {
        const device = await open();
        const parts = partsOf(name);
        const [rows, time] = [2, CONTEXT];
        const tokens = randomTokens(rows * time, VOCABULARY);
        const want = await fullLogits(device, parts, { tokens, rows });
        const decoder = await decoderOf(device, parts, rows);
        for (let t = 0; t < time; t++) {
          const got = await decoder.feed(columns(tokens, rows, [t, t + 1]));
          assertClose(got, at(want, rows, t), `position ${t}`);
          assertEquals([decoder.position, decoder.slides], [t + 1, 0]);
        }
      },
    );

    Deno.test(
      onDevice(place, `${name} fed in portions says what the whole window says, on ${place}`),
      async () => {
        const device = await open();
        const parts = partsOf(name);
        const [rows, time] = [2, CONTEXT];
        const tokens = randomTokens(rows * time, VOCABULARY);
        const want = await fullLogits(device, parts, { tokens, rows });
        const decoder = await decoderOf(device, parts, rows);
        for (const cuts of [[75], [1, 64, 10], [7, 8, 9, 51], [65, 10]]) {
          decoder.reset();
          let t = 0;
          for (const n of cuts) {
            const got = await decoder.feed(columns(tokens, rows, [t, t + n]));
            t += n;
            assertClose(got, at(want, rows, t - 1), `${cuts}: position ${t - 1}`);
          }
        }
      },
    );
  }

  Deno.test(
    onDevice(place, `past the context the window slides and equals a fresh one, on ${place}`),
    async () => {
      const device = await open();
      const names = [
        "a transformer",
        "a transformer with sinusoids",
        "a transformer with rotary positions",
        "a transformer with ALiBi",
      ];
      for (const name of names) {
        const context = 12;
        const parts = partsOf(name, context);
        const decoder = await decoderOf(device, parts);
        const fresh = await decoderOf(device, parts);
        const tokens = randomTokens(3 * context, VOCABULARY);
        let length = 0;
        let slides = 0;
        for (let t = 0; t < tokens.length; t++) {
          if (length === context) [length, slides] = [keptTokens(context), slides + 1];
          length++;
          const got = await decoder.feed(tokens.subarray(t, t + 1));
          assertEquals([decoder.position, decoder.slides], [length, slides]);
          const window = tokens.slice(t + 1 - length, t + 1);
          fresh.reset();
          assertClose(got, await fresh.feed(window), `after token ${t}`, 1e-6);
          if (slides === 0) continue;
          const want = await fullLogits(device, parts, { tokens: window, rows: 1 });
          assertClose(got, at(want, 1, length - 1), `token ${t}`);
        }
        assert(slides > 2);
        // A prompt longer than the context gives the same, without computing the discarded windows.
        fresh.reset();
        const whole = await fresh.feed(tokens);
        assertEquals([fresh.position, fresh.slides], [length, slides]);
        decoder.reset();
        assertEquals(await decoder.feed(tokens.slice(-length)), whole);
      }
    },
  );

  Deno.test(
    onDevice(place, `a recurrent model remembers past its context, on ${place}`),
    async () => {
      const device = await open();
      const parts = partsOf("an lstm", 5);
      const decoder = await decoderOf(device, parts);
      const tokens = randomTokens(23, VOCABULARY);
      const want = await fullLogits(device, parts, { tokens, rows: 1 });
      for (let t = 0; t < 9; t++) await decoder.feed(tokens.subarray(t, t + 1));
      assertClose(await decoder.feed(tokens.slice(9)), at(want, 1, 22), "the last position");
      assertEquals([decoder.position, decoder.slides], [23, 0]);
    },
  );

  Deno.test(onDevice(place, `after a reset nothing is remembered, on ${place}`), async () => {
    const device = await open();
    for (const name of ["a transformer", "an lstm", "a gru"]) {
      const decoder = await decoderOf(device, partsOf(name, 10));
      const tokens = randomTokens(9, VOCABULARY);
      const first = await decoder.feed(tokens);
      await decoder.feed(randomTokens(14, VOCABULARY));
      decoder.reset();
      assertEquals([decoder.position, decoder.slides], [0, 0]);
      assertEquals(await decoder.feed(tokens), first);
    }
  });
}

Deno.test("two decoders over one memory are independent", async () => {
  const device = openReference();
  const parts = partsOf("a transformer", 10);
  const memory = device.memory();
  const layout = holdParams(memory, parts, parts.params);
  const [one, two] = [
    await Decoder.open(device, { ...parts, memory, layout, rows: 1 }),
    await Decoder.open(device, { ...parts, memory, layout, rows: 2 }),
  ];
  const alone = await decoderOf(device, parts);
  for (let t = 0; t < 4; t++) {
    const got = await one.feed(Uint32Array.of(t));
    await two.feed(Uint32Array.of(t + 1, t + 2));
    assertEquals(got, await alone.feed(Uint32Array.of(t)));
  }
});

Deno.test("a decoder with a context of one token has no memory", async () => {
  const device = openReference();
  const parts = partsOf("a transformer", 1);
  const decoder = await decoderOf(device, parts);
  for (const token of [3, 5, 3]) {
    const tokens = Uint32Array.of(token);
    const want = await fullLogits(device, parts, { tokens, rows: 1 });
    assertClose(await decoder.feed(tokens), want, `token ${token}`);
  }
  assertEquals([decoder.position, decoder.slides], [1, 2]);
});

Deno.test("a decoder refuses invalid tokens, and keeps its state", async () => {
  const device = openReference();
  const parts = partsOf("a transformer", 10);
  const decoder = await decoderOf(device, parts, 2);
  const other = await decoderOf(device, parts, 2);
  await decoder.feed(Uint32Array.of(1, 2));
  await other.feed(Uint32Array.of(1, 2));
  for (const wrong of [[], [1], [1, 2, 3], [1, VOCABULARY]]) {
    await assertRejects(() => decoder.feed(Uint32Array.from(wrong)), RangeError, "Cannot feed");
  }
  const next = Uint32Array.of(3, 4);
  assertEquals(await decoder.feed(next), await other.feed(next));
});

Deno.test("a bidirectional model is refused, and so is a context of 0", async () => {
  const parts = partsOf("an lstm", 10);
  const model = modelSchema.parse({ kind: "recurrent", bidirectional: true });
  const error = assertThrows(() => someParams({ ...parts, model }), UserError, "bidirectional");
  assertEquals(error.exit, "config");
  const device = openReference();
  assertThrows(
    () => partsOf("a transformer", 0),
    RangeError,
    "positions.weight: need sizes that are whole numbers above 0: [0, 16]",
  );
  await assertRejects(() => decoderOf(device, parts, 0), RangeError, "rows");
});

Deno.test("holdParams() names the parameter that is missing or has another shape", () => {
  const parts = partsOf("a transformer", 10);
  const memory = openReference().memory();
  const without = new Map(parts.params);
  without.delete("blocks.1.up.weight");
  assertThrows(
    () => holdParams(memory, parts, without),
    UserError,
    "Cannot load parameter blocks.1.up.weight: the model needs [16, 64]: it is missing",
  );
  const bent = new Map(parts.params);
  bent.set("norm.bias", { name: "norm.bias", shape: [17], data: new Float32Array(17) });
  assertThrows(() => holdParams(memory, parts, bent), UserError, "norm.bias: the model needs [16]");
});
