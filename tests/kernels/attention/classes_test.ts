/**
 * Attention's kernels for GPUs, on any adapter: kinds_test.ts leaves them out, since no lanes
 * cooperate in them on either kind.
 */
import { assert } from "@std/assert";
import { attentionBackwardOp, attentionOp } from "../../../kernels/attention/mod.ts";
import { sizeOf } from "../../../src/base/shape.ts";
import { openReference } from "../../../src/device/reference.ts";
import type { Device } from "../../../src/device/types.ts";
import type { Case, Op } from "../../../src/graph/types.ts";
import { caseName, outputSlot, planOf, randomInputs } from "../../../src/testing/cases.ts";
import { tolerance } from "../../../src/testing/tolerance.ts";
import { onGpu, sharedGpu } from "../../support/gpu.ts";

const gpu = sharedGpu();

/** Outputs of a case with the kernels of another target. */
async function outputsOf(device: Device, op: Op, test: Case): Promise<Float32Array[]> {
  const memory = device.memory();
  // Few workgroups along one axis, so that launches need a second axis.
  const turned: Op = {
    ...op,
    launch: (io, attrs, { lanes: _, ...target }) =>
      op.launch(io, attrs, { ...target, kind: "gpu", groups: 3 }),
  };
  const program = await device.load(planOf(turned, test.inputs, test.attrs), memory);
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

for (const op of [attentionOp, attentionBackwardOp]) {
  Deno.test(onGpu(`${op.name}: kernels for GPUs match the reference`), async () => {
    const tests = op.cases.filter(({ kind, attrs }) =>
      kind === "ragged" || attrs.window === 3 || attrs.window === 11
    );
    assert(tests.length > 20);
    for (const test of tests) {
      const got = await outputsOf(await gpu(), op, test);
      const want = await outputsOf(openReference(), op, test);
      const outputs = op.shape(test.inputs, test.attrs);
      const { terms } = op.cost({ inputs: test.inputs, outputs }, test.attrs);
      outputs.forEach(({ dtype }, k) => {
        const [a, b] = [got[k], want[k]] as [Float32Array, Float32Array];
        if (dtype === "u32") return;
        const bound = tolerance(terms, b.reduce((m, v) => Math.max(m, Math.abs(v)), 0));
        b.forEach((v, i) =>
          assert(
            Math.abs(v - (a[i] as number)) <= bound,
            `${caseName(op, test)}: output ${k} at ${i}: ${a[i]}, ${v}`,
          )
        );
      });
    }
  });
}
