/** Gradients of whole models against central differences in f64. */
import { assert, assertGreater } from "@std/assert";
import { type ArrayMemory, openReference } from "../../src/device/reference.ts";
import { traceGradient } from "../../workers/plans.ts";
import { tinyConfig, type TinyInput } from "../support/gpt.ts";
import { loadGraph, resultsOf } from "../support/traced.ts";

const VOCABULARY = 7;
/** Cut-off and rounding errors are both about 1e-10 of the loss here. */
const STEP = 2 ** -15;
const RELATIVE = 1e-6;
/** Elements of a parameter that are compared, the first and the last among them. */
const SAMPLES = 6;

const MODELS: Readonly<Record<string, TinyInput["model"]>> = {
  "learned positions": { layers: 2 },
  "sinusoidal positions": { positions: "sinusoidal" },
  "tied embedding": { tied: true },
  dropout: { dropout: 0.3 },
  "all at once": { layers: 2, tied: true, dropout: 0.2, positions: "sinusoidal" },
};

for (const [name, model] of Object.entries(MODELS)) {
  Deno.test(`every parameter's gradient matches differences: ${name}`, async () => {
    const config = tinyConfig({ windows: 2, window: 4, model: { width: 6, heads: 2, ...model } });
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
  });
}
