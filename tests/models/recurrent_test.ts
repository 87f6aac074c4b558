/** Recurrent networks: names, shapes and initialisation of parameters, and carried states. */
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { rootKey } from "../../src/base/random.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { RunInput } from "../../src/config/schema.ts";
import { openReference } from "../../src/device/reference.ts";
import { initialValues } from "../../src/nn/scope.ts";
import { reachPlan, shapeOf } from "../../src/engine/plans.ts";
import { Replica } from "../../src/engine/replica.ts";
import { randomTokens } from "../support/gpt.ts";
import { corpusIn } from "../../src/corpus/corpus.ts";

const VOCABULARY = 29;

function configOf(model: Record<string, unknown>, data: RunInput["data"] = { bptt: 8 }) {
  const input = { micro_batch_size: 2, micro_batches: 2, data, eval: { windows: 8 } };
  return resolveConfig({ ...input, model: { kind: "recurrent", width: 6, ...model } });
}

Deno.test("parameters have the names and shapes of PyTorch", () => {
  const { params } = shapeOf(
    configOf({ cell: "lstm", layers: 2, bidirectional: true }, { source: "truecase", seq_len: 5 }),
    VOCABULARY,
  );
  const shapes = Object.fromEntries(params.map(({ name, shape }) => [name, shape.join("x")]));
  assertEquals(shapes, {
    "tokens.weight": "29x6",
    "rnn.weight_ih_l0": "24x6",
    "rnn.weight_hh_l0": "24x6",
    "rnn.bias_ih_l0": "24",
    "rnn.bias_hh_l0": "24",
    "rnn.weight_ih_l0_reverse": "24x6",
    "rnn.weight_hh_l0_reverse": "24x6",
    "rnn.bias_ih_l0_reverse": "24",
    "rnn.bias_hh_l0_reverse": "24",
    "rnn.weight_ih_l1": "24x12",
    "rnn.weight_hh_l1": "24x6",
    "rnn.bias_ih_l1": "24",
    "rnn.bias_hh_l1": "24",
    "rnn.weight_ih_l1_reverse": "24x12",
    "rnn.weight_hh_l1_reverse": "24x6",
    "rnn.bias_ih_l1_reverse": "24",
    "rnn.bias_hh_l1_reverse": "24",
    "head.weight": "12x2",
    "head.bias": "2",
  });
});

Deno.test("initialisation: forget bias 1, memory as time constant, identity weights for ReLU", () => {
  const valuesOf = (model: Record<string, unknown>, name: string): number[] => {
    const { params } = shapeOf(configOf(model), VOCABULARY);
    const param = params.find((p) => p.name === name);
    return param === undefined ? [] : [...initialValues(rootKey(1), param)];
  };
  const six = (value: number) => new Array(6).fill(Math.fround(value));
  const keep = Math.log(20);
  const [bias, eye] = ["rnn.bias_ih_l0", "rnn.weight_hh_l0"] as const;
  assertEquals(valuesOf({ cell: "lstm" }, bias), [...six(0), ...six(1), ...six(0), ...six(0)]);
  assertEquals(
    valuesOf({ cell: "lstm", memory: 20 }, bias),
    [...six(-keep), ...six(keep), ...six(0), ...six(0)],
  );
  assertEquals(valuesOf({ cell: "gru", memory: 20 }, bias), [...six(0), ...six(keep), ...six(0)]);
  const identity = valuesOf({ cell: "rnn_relu" }, eye);
  assertEquals(identity, Array.from({ length: 36 }, (_, i) => i % 7 === 0 ? 1 : 0));
});

Deno.test("the loss at initialisation is log V, and gradients shrink with distance in time", async () => {
  for (const cell of ["rnn_tanh", "rnn_relu", "lstm", "gru", "gru_before"]) {
    const config = configOf({ cell, width: 16 });
    const train = randomTokens(400, VOCABULARY);
    const corpus = corpusIn({ train, validation: train, vocabulary: VOCABULARY });
    const replica = new Replica(openReference(), { config, corpus });
    await replica.open();
    replica.accumulate(0, { level: 1, index: 0 });
    const { loss } = await replica.inspect();
    assertAlmostEquals(loss / Math.log(VOCABULARY), 1, 0.05);
    const [forward, ...more] = await replica.reach();
    const { norms = [], windows = [] } = forward ?? {};
    assertEquals([forward?.direction, norms.length, more.length], ["forward", 8, 0]);
    assertEquals(windows, new Array(8).fill(2));
    assertEquals(norms.every((norm) => norm > 0), true, `${cell}: ${norms}`);
    // Identity weights of a ReLU network preserve gradients; in the others they shrink at each
    // step.
    if (cell !== "rnn_relu") assertEquals((norms[7] as number) < (norms[0] as number), true, cell);
  }
});

Deno.test("states are carried with lanes only, one of each kind per layer", () => {
  const names = (model: Record<string, unknown>, data: RunInput["data"]) =>
    shapeOf(configOf(model, data), VOCABULARY).carries.map(({ name, tensor }) =>
      [name, ...tensor.shape].join(" ")
    );
  assertEquals(names({ cell: "lstm", layers: 2 }, { bptt: 4 }), [
    "rnn.h_l0 2 6",
    "rnn.c_l0 2 6",
    "rnn.h_l1 2 6",
    "rnn.c_l1 2 6",
  ]);
  assertEquals(names({ cell: "gru" }, { bptt: 4 }), ["rnn.h_l0 2 6"]);
  assertEquals(names({ cell: "gru" }, { seq_len: 4 }), []);
});

Deno.test("a model without a recurrence has no reach to tell", () => {
  const config = resolveConfig({});
  const { layout } = shapeOf(config, VOCABULARY);
  assertThrows(() => reachPlan(config, VOCABULARY, layout), RangeError, "no recurrence");
});
