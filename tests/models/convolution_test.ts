/** Convolutional networks: what they say of a config, their FLOP, and the loss at the start. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { flopsPerToken } from "../../src/budget/flops.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { RunConfig, RunInput } from "../../src/config/schema.ts";
import { taskOf } from "../../src/data/sources/mod.ts";
import { openCpu } from "../../src/device/cpu.ts";
import { expand } from "../../src/plan/expand.ts";
import { traceGradient } from "../../src/engine/plans.ts";
import { convnetSchema } from "../../src/models/convolution/mod.ts";
import { convolutionSizes } from "../../src/models/convolution/sizes.ts";
import { corpusFor } from "../support/lockstep.ts";
import { Replica } from "../../src/engine/replica.ts";

const LENET = { model: { kind: "convnet" }, data: { source: "images" } } as const;
const CHAR_CNN = { model: { kind: "char_cnn" }, data: { source: "direction" } } as const;

/** The faults of a config, without the words before them. */
function faultOf(input: RunInput): string {
  const { message } = assertThrows(() => resolveConfig(input), UserError);
  assertEquals(message.includes("\n"), false);
  return message.slice("Cannot use this config: ".length);
}

Deno.test("LeNet-5 has the sizes of its paper", () => {
  const config = convnetSchema.parse({ kind: "convnet" });
  const sizes = convolutionSizes(config, { height: 28, width: 28 });
  // LeCun et al. 1998, figure 2, whose image of 32 x 32 pixels is one of 28 x 28 with a margin.
  assertEquals(sizes.map(({ convolved, pooled, to }) => [convolved.height, pooled.width, to]), [
    [28, 14, 6],
    [10, 5, 16],
  ]);
  const { params } = traceGradient(resolveConfig(LENET), 0);
  assertEquals(params.map(({ name, shape }) => [name, ...shape]), [
    ["conv.0.weight", 25, 6],
    ["conv.0.bias", 6],
    ["conv.1.weight", 150, 16],
    ["conv.1.bias", 16],
    ["dense.0.weight", 400, 120],
    ["dense.0.bias", 120],
    ["dense.1.weight", 120, 84],
    ["dense.1.bias", 84],
    ["head.weight", 84, 10],
    ["head.bias", 10],
  ]);
});

Deno.test("images that a layer leaves nothing of, and sources of other data, are refused", () => {
  const sized = (model: object, data: object = {}) =>
    faultOf({ model: { ...LENET.model, ...model }, data: { ...LENET.data, ...data } });
  const fit = (layer: number, size: string) =>
    `need windows that fit what convolution ${layer} has, ${size} pixels`;
  assertEquals(sized({ channels: [6, 6, 6, 6] }), `model.pool: ${fit(3, "1 x 1")}: 2`);
  assertEquals(
    sized({ kernel: 9, padding: 0 }, { image_height: 20 }),
    `model.kernel: ${fit(2, "6 x 10")}: 9`,
  );
  assertEquals(sized({ kernel: 40, padding: 0 }), `model.kernel: ${fit(1, "28 x 28")}: 40`);
});

Deno.test("a network is refused where its source has no images, no tokens or other labels", () => {
  assertEquals(
    faultOf({ ...LENET, data: { source: "text" } }),
    "data.source: need images for model convnet: text",
  );
  const read = faultOf({ ...LENET, model: { kind: "gpt" } });
  assert(read.startsWith("data.source: need text or recall"), read);
  assert(read.endsWith(" for model gpt: images"), read);
  assertEquals(
    faultOf({ ...CHAR_CNN, data: { source: "truecase" } }),
    "data.source: need direction for model char_cnn: truecase",
  );
  assertEquals(
    faultOf({ ...CHAR_CNN, data: { ...CHAR_CNN.data, seq_len: 4 } }),
    "model.kernels: need at most the 4 tokens of a window: 5",
  );
  assertEquals(
    faultOf({ ...LENET, data: { ...LENET.data, mix: { x: 1 } } }),
    "data.mix: need null for source images, which reads data.path",
  );
});

/** FLOP of the products in the gradient of a micro-batch, as matmul counts them. */
function productsOf(config: RunConfig, vocabulary: number): number {
  return expand(traceGradient(config, vocabulary).graph.calls)
    .filter(({ op }) => op.name === "matmul")
    .reduce((sum, call) => sum + call.op.cost(call, call.attrs).flops, 0);
}

for (const [name, input] of Object.entries({ convnet: LENET, char_cnn: CHAR_CNN })) {
  Deno.test(`the FLOP formula of ${name} counts the products of its graph`, () => {
    const config = resolveConfig({ micro_batch_size: 3, ...input });
    const task = taskOf(config.data, 11);
    const [formula] = flopsPerToken({ all: 1, matrices: 1 }, {
      model: config.model,
      time: task.time,
      task,
    });
    const counted = productsOf(config, 11);
    const told = (formula?.per_token ?? NaN) * 3 * task.time;
    // The trace has the gradient of the image too, which a plan prunes.
    assertAlmostEquals(counted, told, 0.001 * told);
  });

  Deno.test(`the loss of ${name} is about that of a guess at first, and falls`, async () => {
    const config = resolveConfig({
      micro_batches: 1,
      micro_batch_size: 8,
      ...input,
      data: { ...input.data, seq_len: 16, image_height: 12, image_width: 12, image_classes: 4 },
      optim: { lr: 3e-3, warmup_steps: 0, decay_steps: 60, weight_decay: 0 },
    });
    const replica = new Replica(openCpu(), { config, corpus: corpusFor(config) });
    await replica.open();
    const losses: number[] = [];
    for (let step = 0; step < 60; step++) {
      replica.accumulate(step, { level: 0, index: 0 });
      losses.push((await replica.inspect()).loss);
      replica.update(step);
    }
    const guess = Math.log(taskOf(config.data, 11).classes);
    assert(Math.abs((losses[0] as number) - guess) < 0.5 * guess, `${losses[0]}, guess ${guess}`);
    const last = losses.slice(-8).reduce((sum, loss) => sum + loss, 0) / 8;
    assert(last < 0.5 * guess, `from ${losses[0]} to ${last}`);
  });
}
