/**
 * Some ops reduce over lanes in workgroup memory on one kind of target only. This runs the kernels
 * for the other kind than the adapter's, so that one machine tests both.
 */
import { assert, assertGreater } from "@std/assert";
import { OPS } from "../../kernels/mod.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { openReference } from "../../src/device/reference.ts";
import type { Device } from "../../src/device/types.ts";
import { onGpu, sharedGpu } from "../support/gpu.ts";
import type { Case, Op, Target } from "../../src/graph/types.ts";
import { caseName, outputSlot, planOf, randomInputs } from "../../src/testing/cases.ts";
import { tolerance } from "../../src/testing/tolerance.ts";

const gpu = sharedGpu();

/** The other kind; few workgroups along one axis, so that launches need a second axis. */
function otherKind(target: Target): Target {
  return { ...target, kind: target.kind === "cpu" ? "gpu" : "cpu", invocations: 256, groups: 3 };
}

/** f32 outputs of a case; `kind` maps the device's target to that of the launches. */
async function outputsOf(
  device: Device,
  op: Op,
  test: Case,
): Promise<(Float32Array | undefined)[]> {
  const memory = device.memory();
  const turned: Op = {
    ...op,
    launch: (io, attrs, target) => op.launch(io, attrs, otherKind(target)),
  };
  const program = await device.load(planOf(turned, test.inputs, test.attrs), memory);
  randomInputs(test).forEach(({ data }, i) => {
    memory.write(`x${i}`, data instanceof Float64Array ? Float32Array.from(data) : data);
  });
  program.run();
  const outputs: (Float32Array | undefined)[] = [];
  for (const [k, { shape, dtype }] of op.shape(test.inputs, test.attrs).entries()) {
    const stretch = { slot: outputSlot(op, test.attrs, k), offset: 0, length: sizeOf(shape) };
    outputs.push(dtype === "f32" ? await memory.read([stretch]) : undefined);
  }
  return outputs;
}

/** Whether lanes cooperate on one kind and not on the other. */
function differs(op: Op, { inputs, attrs }: Case, target: Target): boolean {
  const io = { inputs, outputs: op.shape(inputs, attrs) };
  const shares = (t: Target) =>
    op.launch(io, attrs, t).some(({ wgsl }) => wgsl.includes("workgroupBarrier"));
  return shares(target) !== shares(otherKind(target));
}

const TARGET: Target = { kind: "cpu", workgroupBytes: 16384, invocations: 256, groups: 65535 };
const SHARING = OPS.filter((op) =>
  !op.isExpanded && op.cases.some((test) => differs(op, test, TARGET))
);

Deno.test("some ops reduce over lanes on one kind of target only", () =>
  assertGreater(SHARING.length, 0));

for (const op of SHARING) {
  Deno.test(onGpu(`${op.name}: kernels of the other kind match the reference`), async () => {
    const device = await gpu();
    for (const test of op.cases) {
      if (test.kind === "bench") continue;
      const got = await outputsOf(device, op, test);
      const want = await outputsOf(openReference(), op, test);
      const outputs = op.shape(test.inputs, test.attrs);
      const { terms } = op.cost({ inputs: test.inputs, outputs }, test.attrs);
      want.forEach((values, k) => {
        const largest = values?.reduce((m, v) => Math.max(m, Math.abs(v)), 0) ?? 0;
        const bound = tolerance(terms, largest);
        values?.forEach((v, i) => {
          const error = Math.abs(v - (got[k]?.[i] as number));
          assert(
            error <= bound,
            `${caseName(op, test)}: output ${k} at ${i}: ${got[k]?.[i]}, ${v}`,
          );
        });
      });
    }
  });
}
