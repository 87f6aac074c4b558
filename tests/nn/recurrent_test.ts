/** Recurrent layers against PyTorch: stacked, bidirectional, with initial states. */
import { assert, assertEquals } from "@std/assert";
import { lstm } from "../../kernels/recurrence/mod.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { openReference } from "../../src/device/reference.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Tensor } from "../../src/graph/types.ts";
import { recurrent } from "../../src/nn/recurrent.ts";
import { newScope } from "../../src/nn/scope.ts";
import { gradientsOf, runTrace, weightedSum } from "../support/graph/run_trace.ts";
import type { Numbers } from "../support/graph/torch_golden.ts";
import { readTorch } from "../support/graph/torch_golden.ts";

const LAYERS = 2;

Deno.test("two bidirectional LSTM layers with initial states match PyTorch, gradients included", async () => {
  const { given, weighting, results, gradients } = await readTorch("lstm_deep");
  const trace = newTrace();
  const { scope, params } = newScope(trace, { training: true });
  const values: Record<string, readonly number[]> = {};
  const source = (name: string, { shape, data }: Numbers): Tensor => {
    values[name] = data;
    return trace.source({ shape, dtype: "f32" }, "batch", name);
  };
  /** Row `k` of PyTorch's states [layers x directions, B, H]. */
  const stateAt = (name: string, k: number): Tensor => {
    const { shape, data } = given[name] as Numbers;
    const size = sizeOf(shape.slice(1));
    return source(`${name} ${k}`, {
      shape: shape.slice(1),
      data: data.slice(k * size, (k + 1) * size),
    });
  };
  let y = source("x", given["x"] as Numbers);
  const sources: Record<string, Tensor> = { x: y };
  const last: Tensor[] = [];
  for (let layer = 0; layer < LAYERS; layer++) {
    const initial = [2 * layer, 2 * layer + 1].flatMap((k) =>
      ["h0", "c0"].map((name) => sources[`${name} ${k}`] = stateAt(name, k))
    );
    const width = 3;
    const out = recurrent(scope, y, { cell: lstm, width, layer, bidirectional: true, initial });
    y = out.y;
    last.push(...out.last);
  }
  for (const { name, tensor } of params) {
    assertEquals(tensor.shape, (given[name] as Numbers).shape, name);
    values[name] = (given[name] as Numbers).data;
    sources[name] = tensor;
  }
  assertEquals(params.length, 8 * LAYERS);
  const traced: Record<string, Tensor> = { y };
  last.forEach((t, i) => traced[`${i % 2 === 0 ? "hT" : "cT"} ${i >> 1}`] = t);
  const piece = (numbers: Readonly<Record<string, Numbers>>, name: string): readonly number[] => {
    const [base = "", k] = name.split(" ");
    const { shape, data } = numbers[base] as Numbers;
    if (k === undefined) return data;
    const size = sizeOf(shape.slice(1));
    return data.slice(Number(k) * size, (Number(k) + 1) * size);
  };
  const loss = weightedSum(
    Object.entries(traced).map(([name, t]) => [t, piece(weighting, name)]),
  );
  const flows = gradientsOf(loss, sources);
  for (const [name, flow] of Object.entries(flows)) traced[`d ${name}`] = flow;
  const got = await runTrace(openReference({ precision: "f64" }), traced, values);
  for (const [name, values] of Object.entries(got)) {
    const want = name.startsWith("d ") ? piece(gradients, name.slice(2)) : piece(results, name);
    assertEquals(values.length, want.length, name);
    want.forEach((value, i) => {
      assert(Math.abs(value - (values[i] as number)) <= 1e-10, `${name} at ${i}`);
    });
  }
});
