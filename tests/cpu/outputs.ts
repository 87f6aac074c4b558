/** Outputs of the op table's cases on a device. */
import { OPS } from "../../kernels/mod.ts";
import { sizeOf } from "../../src/base/shape.ts";
import type { Device } from "../../src/device/types.ts";
import type { Case, Op, Spec } from "../../src/graph/types.ts";
import { caseName, outputSlot, planOf, randomInputs } from "../../src/testing/cases.ts";
import { BLOCKS } from "./block_cases.ts";
import { DEEP } from "./deep_cases.ts";
import { DEEP_RECURRENCES } from "./deep_recurrences.ts";
import { EDGES } from "./edge_cases.ts";

/** A case of an op that has a WebAssembly form. */
export interface CpuCase {
  readonly name: string;
  readonly op: Op;
  readonly test: Case;
}

/** All cases but those of benches, and those that only the CPU device calls for. */
export const CPU_CASES: readonly CpuCase[] = [
  ...OPS.flatMap((op) => op.cases.map((test) => ({ op, test }))),
  ...DEEP,
  ...BLOCKS,
  ...DEEP_RECURRENCES,
  ...EDGES,
].filter(({ op, test }) => op.wasm !== undefined && test.kind !== "bench")
  .map(({ op, test }) => ({ name: caseName(op, test), op, test }));

/** The specs of a case's outputs. */
export function outputSpecs({ op, test }: CpuCase): readonly Spec[] {
  return op.shape(test.inputs, test.attrs);
}

/** Outputs of a case on a device, as f32; the bits are those of u32 outputs. */
export async function outputsOf(device: Device, tried: CpuCase): Promise<Float32Array[]> {
  const { op, test } = tried;
  const memory = device.memory();
  const program = await device.load(planOf(op, test.inputs, test.attrs), memory);
  randomInputs(test).forEach(({ data }, i) => {
    memory.write(`x${i}`, data instanceof Float64Array ? Float32Array.from(data) : data);
  });
  program.run();
  return Promise.all(
    outputSpecs(tried).map(({ shape }, k) =>
      memory.read([{ slot: outputSlot(op, test.attrs, k), offset: 0, length: sizeOf(shape) }])
    ),
  );
}
