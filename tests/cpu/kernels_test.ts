/** Tests the WebAssembly kernels of all ops against their references, by the cases of the op table. */
import { assert } from "@std/assert";
import { openCpu } from "../../src/device/cpu.ts";
import { openReference } from "../../src/device/reference.ts";
import { tolerance } from "../../src/testing/tolerance.ts";
import { CPU_CASES, outputsOf, outputSpecs } from "./outputs.ts";

const cpu = openCpu();

for (const tried of CPU_CASES) {
  const { name, op, test } = tried;
  Deno.test(`${name}: the CPU device matches the reference`, async () => {
    const got = await outputsOf(cpu, tried);
    const want = await outputsOf(openReference(), tried);
    const specs = outputSpecs(tried);
    const { terms } = op.cost({ inputs: test.inputs, outputs: specs }, test.attrs);
    specs.forEach((spec, k) => {
      const [a, b] = [got[k] as Float32Array, want[k] as Float32Array];
      if (spec.dtype === "u32") {
        const [x, y] = [a, b].map(({ buffer, byteOffset, length }) =>
          new Uint32Array(buffer, byteOffset, length)
        );
        assert(x?.every((v, i) => v === y?.[i]), `output ${k}`);
        return;
      }
      const largest = b.reduce((m, v) => Number.isFinite(v) ? Math.max(m, Math.abs(v)) : m, 0);
      const bound = tolerance(terms, largest);
      a.forEach((v, i) => {
        const isSame = Object.is(v, b[i]) || v === b[i];
        const error = Math.abs(v - (b[i] as number));
        assert(
          isSame || error <= bound,
          `output ${k} at ${i}: ${v} instead of ${b[i]}, bound ${bound}`,
        );
      });
    });
  });
}
