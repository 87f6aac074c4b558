/** Runs matrix products by a given launch, so that kernels can be compared bit by bit. */
import { matmulOp } from "../../../kernels/matmul/matmul.ts";
import { sizeOf } from "../../../src/base/shape.ts";
import type { Device } from "../../../src/device/types.ts";
import type { Case, Op } from "../../../src/graph/types.ts";
import { outputSlot, planOf, randomInputs } from "../../../src/testing/cases.ts";

/** A product of an M x K by a K x N matrix, stored as `attrs` say. */
export function productCase(
  [m, n, k]: readonly [number, number, number],
  attrs: { readonly ta: boolean; readonly tb: boolean },
): Case {
  return {
    kind: "tile",
    inputs: [
      { shape: attrs.ta ? [k, m] : [m, k], dtype: "f32" },
      { shape: attrs.tb ? [n, k] : [k, n], dtype: "f32" },
    ],
    attrs,
  };
}

/** All outputs of a case, done by `launch`. */
export async function productsBy(
  device: Device,
  test: Case,
  launch: Op["launch"] = matmulOp.launch,
): Promise<Float32Array[]> {
  const memory = device.memory();
  const op: Op = { ...matmulOp, launch };
  const program = await device.load(planOf(op, test.inputs, test.attrs), memory);
  randomInputs(test).forEach(({ data }, i) => {
    memory.write(`x${i}`, data instanceof Float64Array ? Float32Array.from(data) : data);
  });
  program.run();
  return await Promise.all(
    op.shape(test.inputs, test.attrs).map(({ shape }, k) =>
      memory.read([{ slot: outputSlot(op, test.attrs, k), offset: 0, length: sizeOf(shape) }])
    ),
  );
}

/** The bits of outputs. */
export function bitsOf(outputs: readonly Float32Array[]): Uint32Array[] {
  return outputs.map(({ buffer, byteOffset, length }) =>
    new Uint32Array(buffer, byteOffset, length)
  );
}
