/** Gradients of whole models against central differences in f64. */
import { assert, assertGreater } from "@std/assert";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { RunConfig, RunInput } from "../../src/config/schema.ts";
import { type ArrayMemory, openReference } from "../../src/device/reference.ts";
import { traceGradient } from "../../src/engine/plans.ts";
import { tinyConfig, type TinyInput } from "../support/gpt.ts";
import { TINY_RUNS, tinyRun } from "../support/models.ts";
import { loadGraph, resultsOf } from "../support/graph/traced.ts";

const VOCABULARY = 7;
/** Step of the differences: truncation and rounding errors are both about 1e-10 of the loss. */
const STEP = 2 ** -15;
const RELATIVE = 1e-6;
/** Elements of a parameter that are compared, the first and the last among them. */
const SAMPLES = 6;

const GPTS: Readonly<Record<string, TinyInput["model"]>> = {
  "learned positions": { layers: 2 },
  "sinusoidal positions": { positions: "sinusoidal" },
  "tied embedding": { tie_embeddings: true },
  dropout: { dropout: 0.3 },
  "rotary positions": { positions: "rotary", layers: 2, width: 8 },
  "ALiBi": { positions: "alibi" },
  "no positions": { positions: "none" },
  "grouped heads": { width: 8, heads: 4, kv_heads: 2 },
  "a window": { attention_window: 2, layers: 2 },
  "rotary, grouped heads and a window": {
    positions: "rotary",
    rotary_theta: 100,
    width: 8,
    heads: 4,
    kv_heads: 1,
    attention_window: 3,
    dropout: 0.2,
  },
  "all at once": { layers: 2, tie_embeddings: true, dropout: 0.2, positions: "sinusoidal" },
};

const RECURRENT: Readonly<Record<string, Pick<RunInput, "model" | "data">>> = {
  "rnn_tanh": { model: { kind: "recurrent", cell: "rnn_tanh" }, data: { bptt: 4 } },
  "rnn_relu": { model: { kind: "recurrent", cell: "rnn_relu" }, data: { bptt: 4 } },
  "lstm, 2 layers": { model: { kind: "recurrent", cell: "lstm", layers: 2 }, data: { bptt: 4 } },
  "lstm with dropout": {
    model: { kind: "recurrent", cell: "lstm", layers: 2, dropout: 0.3 },
    data: { bptt: 4 },
  },
  "lstm with one mask for all steps": {
    model: { kind: "recurrent", cell: "lstm", layers: 2, dropout: 0.3, shared_dropout: true },
    data: { bptt: 4 },
  },
  "gru": { model: { kind: "recurrent", cell: "gru", memory: 9 }, data: { bptt: 4 } },
  "gru_before": { model: { kind: "recurrent", cell: "gru_before" }, data: { bptt: 4 } },
  "tagging, both ways": {
    model: { kind: "recurrent", cell: "gru", layers: 2, bidirectional: true },
    data: { source: "truecase", seq_len: 4 },
  },
  "one label from the mean": {
    model: { kind: "recurrent", cell: "lstm", bidirectional: true, readout: "mean" },
    data: { source: "direction", seq_len: 4 },
  },
  "one label at the end": {
    model: { kind: "recurrent", cell: "lstm" },
    data: { source: "direction", seq_len: 4 },
  },
};

for (const [name, model] of Object.entries(GPTS)) {
  Deno.test(`every parameter's gradient matches differences: ${name}`, async () => {
    await checkGradients(
      tinyConfig({ micro_batch_size: 2, window: 4, model: { width: 6, heads: 2, ...model } }),
    );
  });
}

for (const [name, { model, data }] of Object.entries(RECURRENT)) {
  Deno.test(`every parameter's gradient matches differences: ${name}`, async () => {
    await checkGradients(
      resolveConfig({
        micro_batch_size: 2,
        data,
        model: { ...model, kind: "recurrent", width: 5 },
      }),
    );
  });
}

for (const [name, run] of Object.entries(TINY_RUNS)) {
  Deno.test(`every parameter's gradient matches differences: ${name}`, async () => {
    await checkGradients(tinyRun(run));
  });
}

/** Compares the gradient of a micro-batch's loss with differences, for some of each parameter. */
async function checkGradients(config: RunConfig): Promise<void> {
  const { graph, params } = traceGradient(config, VOCABULARY);
  const device = openReference({ precision: "f64" });
  const options = { params, config, vocabulary: VOCABULARY };
  const backward = await loadGraph(device, graph, options);
  const slopes = await resultsOf(backward, graph);
  const memory = backward.memory as ArrayMemory;
  const { loss } = graph.results;
  assert(loss !== undefined);
  const forward = await loadGraph(device, { ...graph, results: { loss } }, {
    ...options,
    memory,
  });
  const lossAt = (values: { [at: number]: number }, at: number, value: number) => {
    values[at] = value;
    forward.program.run();
    return memory.floats("loss")[0] as number;
  };
  for (const param of params) {
    const gradient = slopes[`grad:${param.name}`] as Float64Array;
    const values = memory.floats(param.name);
    const largest = gradient.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    assertGreater(largest, 0, `the gradient of ${param.name} is zero`);
    for (let sample = 0; sample < SAMPLES; sample++) {
      const at = Math.floor(sample * (gradient.length - 1) / (SAMPLES - 1));
      const value = values[at] as number;
      const rise = lossAt(values, at, value + STEP) - lossAt(values, at, value - STEP);
      values[at] = value;
      const [got, want] = [gradient[at] as number, rise / (2 * STEP)];
      const text = `${param.name} at ${at}: ${got}, not ${want}`;
      assert(Math.abs(got - want) <= RELATIVE * largest, text);
    }
  }
}
