/** Models of users that decode otherwise than they train are refused, all others are not. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import * as z from "zod";
import {
  type AnyModel,
  batchedMatmul,
  concatAxis,
  headModel,
  layers,
  type LogitsInput,
  matmul,
  type ModelDefinition,
  outputHead,
  type Scope,
  sliceAxis,
  type Tensor,
  transposeLast,
} from "../../mod.ts";
import { hashValue } from "../../src/base/hash.ts";
import { UserError } from "../../src/base/user_error.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import { openReference } from "../../src/device/reference.ts";
import { requireGeneration } from "../../src/engine/decodable/before_training.ts";
import type { DecodedModel } from "../../src/engine/decode_plan.ts";
import { Decoder } from "../../src/engine/decoder.ts";
import { holdParams } from "../../src/engine/load_params.ts";
import { registerModel } from "../../src/models/user_model.ts";
import { lstm } from "../../kernels/recurrence/mod.ts";
import { recurrent } from "../../src/nn/recurrent.ts";
import { fullLogits } from "../../src/engine/whole/whole_window.ts";
import { someParams } from "../../src/testing/full_window.ts";
import { randomTokens } from "../support/gpt.ts";

const VOCABULARY = 11;
const WIDTH = 8;

type Body = (scope: Scope, x: Tensor, input: LogitsInput) => Tensor;
type Generates = NonNullable<ModelDefinition<AnyModel>["generates"]>;

/**
 * The config of a model whose hidden layer is `body` over embeddings [B, T, D]; null: it does not
 * generate.
 */
function ownModel(body: Body, generates: unknown = () => ({ memory: "window" }), time = 12) {
  const kind = `own${hashValue([String(body), String(generates)]).slice(0, 12)}`;
  const sha256 = hashValue(kind);
  const definition = headModel({
    kind,
    schema: z.strictObject({ kind: z.literal(kind) }),
    head(scope, input) {
      const { tokens, vocabulary, classes, last } = input;
      const x = layers.embed(scope.in("tokens"), tokens, { vocabulary, width: WIDTH });
      const y = body(scope, x, input);
      return outputHead(scope.in("head"), last ? layers.readout(y, "last") : y, { classes });
    },
    ...generates !== null && { generates: generates as Generates },
  });
  registerModel(definition, { module: "/own.ts", sha256, shipped: [] });
  const model = { kind, module: "/own.ts", sha256 };
  return resolveConfig({ model, data: { seq_len: time, tokenizer: "char" } });
}

/** A constant f32 [B, T, T]. */
function constant(x: Tensor, value: (row: number, column: number) => number): Tensor {
  const [batch, time] = x.shape as [number, number, number];
  const data = Float32Array.from(
    { length: batch * time * time },
    (_, i) => value(Math.floor(i / time) % time, i % time),
  );
  return x.trace.constant([batch, time, time], data);
}

const attend: Body = (scope, x) => {
  const qkv = layers.linear(scope.in("qkv"), x, { width: 3 * WIDTH });
  return layers.plus(x, layers.attend(scope, qkv, { heads: 2 }));
};
const recur = (carries: boolean): Body => (scope, x, input) =>
  recurrent(scope, x, {
    cell: lstm,
    width: WIDTH,
    layer: 0,
    carries: carries && input.carries,
  }).y;
const shift = (x: Tensor, by: number): Tensor => {
  const [batch, time] = x.shape as [number, number, number];
  const left = Math.min(by, time);
  const zeros = x.trace.constant([batch, left, WIDTH], new Float32Array(batch * left * WIDTH));
  if (left === time) return layers.scaled(x, 0);
  return concatAxis(zeros, sliceAxis(x, { axis: 1, first: 0, count: time - left }), 1);
};

const HOSTILE: Readonly<Record<string, readonly [Body, RegExp]>> = {
  "a mean over the tokens so far": [
    (_, x) => batchedMatmul(constant(x, (row, column) => column > row ? 0 : 1 / (row + 1)), x),
    /^Cannot decode with model own\w+ \(\/own\.ts\): need the same logits token by token as over a whole window: where .* cache.*: those of token 2 differ by \d\S* % of the largest; without generates it only trains$/,
  ],
  "a mean over the window": [
    (_, x) => batchedMatmul(constant(x, () => 1 / (x.shape[1] as number)), x),
    /: those of token 1 differ by/,
  ],
  "a matrix over positions as a parameter": [
    (scope, x) => {
      const time = x.shape[1] as number;
      const mix = scope.param("mix", [time, time], { kind: "normal", std: 1 });
      return transposeLast(layers.plus(
        transposeLast(x),
        matmul(transposeLast(x), mix),
      ));
    },
    /: need the same parameters for one token as for 12: mix is \[12, 12\] for 12, and \[1, 1\] for one; without/,
  ],
  "a shift by one token": [
    (_, x) => layers.plus(x, shift(x, 1)),
    /: those of token 2 differ by/,
  ],
  "a shift by nine tokens": [
    (_, x) => layers.plus(x, shift(x, 9)),
    /: those of token 1[0-2] differ by/,
  ],
  "a look at the next token": [
    (_, x) => batchedMatmul(constant(x, (row, column) => column === row + 1 ? 1 : 0.5), x),
    /: those of token 1 differ by/,
  ],
  "a recurrent layer that drops its state": [recur(false), /: those of token 2 differ by/],
  "attention to later tokens": [
    (scope, x) =>
      layers.attend(scope, layers.linear(scope, x, { width: 3 * WIDTH }), {
        heads: 2,
        causal: false,
      }),
    /^Cannot trace the logits of model \S+ \(\/own\.ts\): Cannot decode: needs attention with a causal mask: got causal: false; without generates it only trains$/,
  ],
  "a code for windows alone": [
    (scope, x) => scope.decode === undefined ? x : layers.scaled(x, 2),
    /: those of token 1 differ by/,
  ],
};

for (const [name, [body, pattern]] of Object.entries(HOSTILE)) {
  Deno.test(`before training, a model with ${name} is refused in one line`, async () => {
    const work = () => requireGeneration(ownModel(body), VOCABULARY);
    const { message, exit } = await assertRejects(work, UserError);
    assertMatch(message, pattern);
    assertEquals([message.split("\n").length, exit], [1, "config"]);
    // A model that only trains is not asked.
    await requireGeneration(ownModel(body, null), VOCABULARY);
    await requireGeneration(ownModel(body, () => "it mixes positions"), VOCABULARY);
  });
}

const state = () => ({ memory: "state" });
const window = () => ({ memory: "window" });
const FAITHFUL: Readonly<Record<string, readonly [Body, () => { memory: string }]>> = {
  "a table of tokens": [(_, x) => x, window],
  "learned positions": [(scope, x) => layers.positions(scope, x, "learned"), window],
  attention: [attend, window],
  "a recurrent layer": [recur(true), state],
  "a shift that keeps the last token": [
    (scope, x, { carries }) => {
      const [batch, time] = x.shape as [number, number, number];
      const shape = [batch, 1, WIDTH];
      const before = carries
        ? scope.carry("last", shape)
        : x.trace.constant(shape, new Float32Array(batch * WIDTH));
      if (carries) scope.keep(before, sliceAxis(x, { axis: 1, first: time - 1, count: 1 }));
      if (time === 1) return layers.plus(x, before);
      const earlier = sliceAxis(x, { axis: 1, first: 0, count: time - 1 });
      return layers.plus(x, concatAxis(before, earlier, 1));
    },
    state,
  ],
  "a recurrent layer and attention": [
    (scope, x, input) => attend(scope, recur(true)(scope, x, input), input),
    window,
  ],
  "a recurrent layer and positions": [
    (scope, x, input) => recur(true)(scope, layers.positions(scope, x, "sinusoidal"), input),
    window,
  ],
};

for (const [name, [body, generates]] of Object.entries(FAITHFUL)) {
  Deno.test(`a model with ${name} is accepted, and its window slides`, async () => {
    const time = 12;
    const { model } = await accepted(ownModel(body, generates, time));
    const decoded: DecodedModel = { model, vocabulary: VOCABULARY, context: time };
    const device = openReference();
    const memory = device.memory();
    const params = someParams(decoded);
    const layout = holdParams(memory, decoded, params);
    const decoder = await Decoder.open(device, { ...decoded, memory, layout, rows: 1 });
    const tokens = randomTokens(3 * time, VOCABULARY);
    let got = new Float32Array();
    for (const token of tokens) got = await decoder.feed(Uint32Array.of(token)) as typeof got;
    const isWindow = generates().memory === "window" && decoder.slides > 0;
    const seen = isWindow ? tokens.slice(-decoder.position) : tokens;
    const want = await fullLogits(device, { ...decoded, params }, { tokens: seen, rows: 1 });
    want.slice(-VOCABULARY).forEach((value, i) => {
      assert(Math.abs(value - (got[i] as number)) < 1e-5, `${i}: ${value} ${got[i]}`);
    });
  });
}

async function accepted(config: ReturnType<typeof ownModel>) {
  await requireGeneration(config, VOCABULARY);
  return config;
}

Deno.test("generates is held to the memory that the model has", async () => {
  const refused = async (body: Body, generates: unknown, pattern: RegExp) => {
    const work = async () => await requireGeneration(ownModel(body, generates), VOCABULARY);
    const { message } = await assertRejects(work, UserError);
    assertMatch(message, pattern);
    assertEquals(message.split("\n").length, 1);
  };
  const need = 'need \\{ memory: "window" \\} or \\{ memory: "state" \\}, or';
  for (
    const [said, shown] of [
      [{ memory: "forever" }, '\\{"memory":"forever"\\}'],
      [{}, "\\{\\}"],
      [undefined, "undefined"],
      ["", '""'],
      [true, "true"],
      ["window".length, "6"],
    ] as const
  ) {
    const pattern = new RegExp(
      `^Cannot call generates of model \\S+ \\(/own\\.ts\\): ${need} .*: got ${shown}$`,
    );
    await refused(attend, () => said, pattern);
  }
  await refused(attend, { memory: "window" }, /need generates as a function: got \{"memory"/);
  await refused(
    attend,
    () => {
      throw new Error("mine");
    },
    /^Cannot call generates of model \S+ \(\/own\.ts\): mine$/,
  );
  await refused(
    attend,
    state,
    /need generates to return \{ memory: "window" \}, since it has caches/,
  );
  await refused(
    recur(true),
    window,
    /need generates to return \{ memory: "state" \}, since it has rec/,
  );
});

Deno.test("a model that is too large to compare before training is refused where it is opened", async () => {
  const [body] = HOSTILE["a shift by one token"] as readonly [Body, RegExp];
  const { model } = ownModel(body);
  const decoded: DecodedModel = { model, vocabulary: VOCABULARY, context: 12 };
  const device = openReference();
  const memory = device.memory();
  const layout = holdParams(memory, decoded, someParams(decoded));
  for (const rows of [1, 3]) {
    const parts = { ...decoded, memory, layout, rows };
    const { message } = await assertRejects(() => Decoder.open(device, parts), UserError);
    assertMatch(message, /^Cannot decode with model \S+ \(\/own\.ts\): .* token 2 differ by/);
  }
});
