/** Cells match PyTorch's modules, values and gradients; each golden file names its generator. */
import { assert, assertEquals } from "@std/assert";
import { gru, lstm, recurrence, rnnRelu, rnnTanh } from "../../kernels/recurrence/mod.ts";
import type { Cell } from "../../kernels/recurrence/mod.ts";
import { matmul } from "../../kernels/matmul/mod.ts";
import { openReference } from "../../src/device/reference.ts";
import type { Device } from "../../src/device/types.ts";
import { openWebGpu } from "../../src/device/webgpu.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Tensor } from "../../src/graph/types.ts";
import { gradientsOf, plus, runTrace, weightedSum } from "../support/graph/run_trace.ts";
import { tolerance } from "../../src/testing/tolerance.ts";
import type { Numbers, TorchGolden } from "../support/graph/torch_golden.ts";
import { readTorch } from "../support/graph/torch_golden.ts";
import { onGpu } from "../support/gpu.ts";

const CELLS: Readonly<Record<string, Cell>> = {
  rnn_tanh: rnnTanh,
  rnn_relu: rnnRelu,
  lstm,
  gru,
};

/** Outputs and gradients (of `name` as `d name`) of a cell for PyTorch's inputs. */
function resultsOf(cell: Cell, { given, weighting }: TorchGolden): Record<string, Tensor> {
  const trace = newTrace();
  const source = (name: string): Tensor => {
    const { shape } = given[name] as Numbers;
    // PyTorch's states have a layer axis, of size 1 here.
    const own = name === "h0" || name === "c0" ? shape.slice(1) : shape;
    return trace.source({ shape: own, dtype: "f32" }, "batch", name);
  };
  const sources = Object.fromEntries(Object.keys(given).map((name) => [name, source(name)]));
  const at = (name: string) => sources[name] as Tensor;
  const xw = plus(matmul(at("x"), at("weight_ih_l0"), { tb: true }), at("bias_ih_l0"));
  const states = ["h0", "c0"].filter((name) => name in given).map(at);
  const [weight, bias] = [at("weight_hh_l0"), at("bias_hh_l0")];
  const { y, last } = recurrence(xw, { cell, weight, bias, states });
  const results: Record<string, Tensor> = { y };
  last.forEach((state, k) => results[k === 0 ? "hT" : "cT"] = state);
  const loss = weightedSum(
    Object.entries(results).map(([name, t]) => [t, (weighting[name] as Numbers).data]),
  );
  for (const [name, flow] of Object.entries(gradientsOf(loss, sources))) {
    results[`d ${name}`] = flow;
  }
  return results;
}

async function checkCell(
  device: Device,
  name: string,
  bound: (largest: number) => number,
): Promise<void> {
  const golden = await readTorch(name);
  const results = resultsOf(CELLS[name] as Cell, golden);
  const values = Object.fromEntries(Object.entries(golden.given).map(([k, t]) => [k, t.data]));
  const got = await runTrace(device, results, values);
  const want = Object.entries(golden.results);
  for (const [k, t] of Object.entries(golden.gradients)) want.push([`d ${k}`, t]);
  assertEquals(want.map(([k]) => k).sort(), Object.keys(got).sort());
  for (const [what, { data }] of want) {
    const largest = data.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    assert(largest > 0);
    data.forEach((v, i) => {
      const off = Math.abs(v - (got[what]?.[i] as number));
      assert(
        off <= bound(largest),
        `${what} of ${name} at ${i}: ${got[what]?.[i]} instead of ${v}`,
      );
    });
  }
}

for (const name of Object.keys(CELLS)) {
  Deno.test(`${name} matches PyTorch in f64`, async () => {
    await checkCell(openReference({ precision: "f64" }), name, (largest) => 1e-10 * largest);
  });

  Deno.test(onGpu(`${name} matches PyTorch on the GPU`), async () => {
    const device = await openWebGpu({ runtime: Deno.version.deno });
    // Sums over gates and units in 5 steps, and over 15 rows for gradients of weights.
    await checkCell(device, name, (largest) => tolerance(5 * (24 + 64) + 15, largest));
    device.close();
  });
}
