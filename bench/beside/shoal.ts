/** Our side of the comparison with peers, as a process of its own like theirs. */
import { attention, packedHeads } from "../../kernels/attention/mod.ts";
import { applyLayerNorm } from "../../kernels/layer_norm/layer_norm.ts";
import { matmul } from "../../kernels/matmul/matmul.ts";
import { pointwise } from "../../kernels/pointwise/pointwise.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { cardIn } from "../../src/device/backend.ts";
import type { Device } from "../../src/device/types.ts";
import { openWebGpu } from "../../src/device/webgpu.ts";
import { gradients } from "../../src/graph/reverse.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Tensor, Trace } from "../../src/graph/types.ts";
import { SUM } from "../../src/nn/formulas.ts";
import { compile } from "../../src/plan/compile.ts";
import { Replica } from "../../src/engine/replica.ts";
import { type Library, serve, type Work } from "../peers/serve.ts";
import { sizeIn, type Task } from "../peers/task.ts";
import { meanSize } from "../peers/values.ts";
import { configIn, corpusOfRow } from "./materials.ts";
import { ROWS } from "./rows.ts";

/** A source of the task's tensor `name`. */
type Source = (name: string) => Tensor;

/** Results of the kernels by name, those of the backward pass included. */
const TRACED: Readonly<Record<string, (source: Source, task: Task) => Record<string, Tensor>>> = {
  matmul: (source) => ({ y: matmul(source("a"), source("b")) }),
  attention(source, task) {
    const qkv = source("qkv");
    const y = attention(packedHeads(qkv, sizeIn(task, "H")), { mask: { causal: true } });
    return { y, ...backward(y, { dqkv: qkv }, source("dy")) };
  },
  layer_norm(source) {
    const [x, gamma, beta] = [source("x"), source("weight"), source("bias")];
    const y = applyLayerNorm(x, { gamma, beta });
    return { y, ...backward(y, { dx: x, dweight: gamma, dbias: beta }, source("dy")) };
  },
};

function backward(
  y: Tensor,
  wanted: Readonly<Record<string, Tensor>>,
  seed: Tensor,
): Record<string, Tensor> {
  const flows = gradients(y, Object.values(wanted), {
    seed,
    add: (a, b) => pointwise(SUM, [a, b]),
  });
  return Object.fromEntries(Object.keys(wanted).map((name, i) => [name, flows[i] as Tensor]));
}

/** A kernel's graph as one plan. */
function traced(task: Task): { trace: Trace; results: Record<string, Tensor> } {
  const trace = newTrace();
  const source: Source = (name) => {
    const stored = task.tensors.get(name);
    if (stored === undefined) throw new RangeError(`Cannot trace ${task.name}: it lacks ${name}`);
    return trace.source({ shape: stored.shape, dtype: "f32" }, "batch", name);
  };
  const results = TRACED[task.kind]?.(source, task);
  if (results === undefined) throw new TypeError(`Cannot run a ${task.kind}: need a kernel`);
  return { trace, results };
}

async function openKernel(device: Device, task: Task): Promise<Work> {
  const { trace: { calls, constants }, results } = traced(task);
  const memory = device.memory();
  const program = await device.load(compile({ calls, constants, results }), memory);
  for (const { name, data } of task.tensors.values()) memory.write(name, data as Float32Array);
  program.run();
  const values: number[] = [];
  for (const [slot, { shape }] of Object.entries(results)) {
    values.push(meanSize(await memory.read([{ slot, offset: 0, length: sizeOf(shape) }])));
  }
  return {
    values,
    async run(times) {
      for (let i = 0; i < times; i++) program.run();
      await memory.read([{ slot: "y", offset: 0, length: 1 }]);
    },
    close: () => closeSoon(device),
  };
}

async function openStep(device: Device, task: Task): Promise<Work> {
  const row = ROWS.find(({ name }) => name === task.name);
  if (row === undefined) throw new RangeError(`Cannot train ${task.name}: there is no such row`);
  const replica = new Replica(device, { config: configIn(row), corpus: corpusOfRow(row) });
  await replica.open();
  let number = 0;
  const step = async () => {
    replica.accumulate(number, { level: 0, index: 0 });
    const { loss } = await replica.inspect();
    replica.update(number++);
    return loss;
  };
  const values: number[] = [];
  for (let i = 0; i < task.compared; i++) values.push(await step());
  return {
    values,
    async run(times) {
      for (let i = 0; i < times; i++) await step();
      await replica.read("param", 0, { offset: 0, length: 1 });
    },
    close: () => closeSoon(device),
  };
}

/** Frees what a task holds, once the buffer of its last read is back. */
function closeSoon(device: Device): void {
  setTimeout(() => device.close(), 100);
}

const open = () => openWebGpu({ runtime: Deno.version.deno });
const first = await open();
const adapter = cardIn(first.name);
first.close();
const library: Library = {
  name: "Shoal",
  version: `Deno ${Deno.version.deno}`,
  adapter,
  async open(task) {
    const device = await open();
    return task.kind in TRACED ? openKernel(device, task) : openStep(device, task);
  },
};
await serve(library);
Deno.exit(0);
