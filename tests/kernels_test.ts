/** Tests all kernels against their references, by the cases of the op table. */
import { assert } from "@std/assert";
import { OPS } from "../kernels/mod.ts";
import { sizeOf } from "../src/base/shape.ts";
import { openReference } from "../src/device/reference.ts";
import type { Device } from "../src/device/types.ts";
import type { Case, Op } from "../src/graph/types.ts";
import { caseName, outputSlot, planOf, randomInputs } from "../src/testing/cases.ts";
import { onGpu, sharedGpu } from "./support/gpu.ts";
import { tolerance } from "../src/testing/tolerance.ts";

const gpu = sharedGpu();

/** Outputs of a case on a device, as f32. */
async function outputsOf(device: Device, op: Op, test: Case): Promise<Float32Array[]> {
  const memory = device.memory();
  const program = await device.load(planOf(op, test.inputs, test.attrs), memory);
  randomInputs(test).forEach(({ data }, i) => {
    memory.write(`x${i}`, data instanceof Float64Array ? Float32Array.from(data) : data);
  });
  program.run();
  const specs = op.shape(test.inputs, test.attrs);
  return Promise.all(
    specs.map(({ shape }, k) =>
      memory.read([{ slot: outputSlot(op, test.attrs, k), offset: 0, length: sizeOf(shape) }])
    ),
  );
}

for (const op of OPS) {
  for (const test of op.cases) {
    if (test.kind === "bench") continue;
    Deno.test(onGpu(`${caseName(op, test)}: the GPU matches the reference`), async () => {
      const got = await outputsOf(await gpu(), op, test);
      const want = await outputsOf(openReference(), op, test);
      const specs = op.shape(test.inputs, test.attrs);
      const { terms } = op.cost({ inputs: test.inputs, outputs: specs }, test.attrs);
      specs.forEach((spec, k) => {
        const [a, b] = [got[k] as Float32Array, want[k] as Float32Array];
        if (spec.dtype === "u32") {
          const [x, y] = [new Uint32Array(a.buffer, a.byteOffset, a.length), b];
          assert(x.every((v, i) => v === new Uint32Array(y.buffer, y.byteOffset, y.length)[i]));
          return;
        }
        const largest = b.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
        const bound = tolerance(terms, largest);
        a.forEach((v, i) => {
          const error = Math.abs(v - (b[i] as number));
          assert(error <= bound, `output ${k} at ${i}: ${v} instead of ${b[i]}, bound ${bound}`);
        });
      });
    });
  }
}
