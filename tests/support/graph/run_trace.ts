/** Runs a small trace from plain numbers, in f64 where the device has it. */
import { pointwise } from "../../../kernels/pointwise/pointwise.ts";
import { sum } from "../../../kernels/reduce/sum.ts";
import { sizeOf } from "../../../src/base/shape.ts";
import { ArrayMemory } from "../../../src/device/reference.ts";
import type { Device } from "../../../src/device/types.ts";
import type { Expr } from "../../../src/graph/formula.ts";
import { add, formula, mul } from "../../../src/graph/formula.ts";
import { gradients } from "../../../src/graph/reverse.ts";
import type { Graph, Tensor } from "../../../src/graph/types.ts";
import { compile } from "../../../src/plan/compile.ts";

const TIMES = formula(2, (x, y) => mul(x as Expr, y as Expr));
const PLUS = formula(2, (x, y) => add(x as Expr, y as Expr));

/** x + y of equal shapes, or with y repeated along leading axes. */
export function plus(x: Tensor, y: Tensor): Tensor {
  return pointwise(PLUS, [x, y]);
}

/** Sum of the products of tensors with weights, each as many as its tensor has elements. */
export function weightedSum(
  pairs: readonly (readonly [Tensor, ArrayLike<number>])[],
): Tensor {
  const parts = pairs.map(([t, weights]) => {
    const constant = t.trace.constant(t.shape, Float32Array.from(weights));
    return sum(pointwise(TIMES, [t, constant]));
  });
  return parts.reduce(plus);
}

/** Gradients of a loss by the names of `wanted`, which must all have one. */
export function gradientsOf(
  loss: Tensor,
  wanted: Readonly<Record<string, Tensor>>,
): Record<string, Tensor> {
  const seed = loss.trace.constant([1], Float32Array.of(1));
  const flows = gradients(loss, Object.values(wanted), { seed, add: plus });
  return Object.fromEntries(
    Object.keys(wanted).map((name, i) => {
      const flow = flows[i];
      if (flow === undefined) throw new Error(`Cannot check ${name}: no gradient flows to it`);
      return [name, flow];
    }),
  );
}

/** Values of a trace's results, given those of its sources by name: ids as Uint32Array. */
export async function runTrace(
  device: Device,
  results: Graph["results"],
  values: Readonly<Record<string, ArrayLike<number>>>,
): Promise<Record<string, Float64Array>> {
  const [first] = Object.values(results);
  if (first === undefined) throw new Error("Cannot run a trace without results");
  const { calls, constants } = first.trace;
  const memory = device.memory();
  const plan = compile({ calls, constants, results });
  const program = await device.load(plan, memory);
  for (const name of Object.keys(plan.named).filter((name) => name in values)) {
    const data = values[name] as ArrayLike<number>;
    if (data instanceof Uint32Array) memory.write(name, data);
    else if (memory instanceof ArrayMemory) memory.floats(name).set(data);
    else memory.write(name, Float32Array.from(data));
  }
  program.run();
  const read: Record<string, Float64Array> = {};
  for (const [name, { shape }] of Object.entries(results)) {
    const length = sizeOf(shape);
    read[name] = Float64Array.from(
      memory instanceof ArrayMemory
        ? memory.floats(name).subarray(0, length)
        : await memory.read([{ slot: name, offset: 0, length }]),
    );
  }
  return read;
}
