/** Kernels of the comparison with peers on one of our devices. */
import { attention, packedHeads } from "../../kernels/attention/mod.ts";
import { applyLayerNorm } from "../../kernels/layer_norm/layer_norm.ts";
import { matmul } from "../../kernels/matmul/matmul.ts";
import { pointwise } from "../../kernels/pointwise/pointwise.ts";
import { sizeOf } from "../../src/base/shape.ts";
import type { Device } from "../../src/device/types.ts";
import { gradients } from "../../src/graph/reverse.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Tensor, Trace } from "../../src/graph/types.ts";
import { SUM } from "../../src/nn/formulas.ts";
import { compile } from "../../src/plan/compile.ts";
import type { Work } from "../peers/serve.ts";
import { sizeIn, type Task } from "../peers/task.ts";
import { closeSoon } from "./row.ts";

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

/** A kernel that is ready, with the results of its first call. */
export interface KernelWork extends Omit<Work, "values"> {
  readonly results: Readonly<Record<string, Float32Array>>;
}

/** Whether a task is a kernel, not a model. */
export function isKernel({ kind }: Pick<Task, "kind">): boolean {
  return kind in TRACED;
}

/** Loads a kernel and calls it once. */
export async function openKernel(device: Device, task: Task): Promise<KernelWork> {
  const { trace: { calls, constants }, results } = traced(task);
  const memory = device.memory();
  const program = await device.load(compile({ calls, constants, results }), memory);
  for (const { name, data } of task.tensors.values()) memory.write(name, data as Float32Array);
  program.run();
  const found: Record<string, Float32Array> = {};
  for (const [slot, { shape }] of Object.entries(results)) {
    found[slot] = await memory.read([{ slot, offset: 0, length: sizeOf(shape) }]);
  }
  return {
    results: found,
    async run(times) {
      for (let i = 0; i < times; i++) program.run();
      await memory.read([{ slot: "y", offset: 0, length: 1 }]);
    },
    close: () => closeSoon(device),
  };
}
