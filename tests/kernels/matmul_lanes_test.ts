/** Products by lanes of a subgroup: the bits of those without, whatever the sizes. */
import { assert, assertEquals } from "@std/assert";
import { matmulOp } from "../../kernels/matmul.ts";
import { chooseTile } from "../../kernels/matmul_tile.ts";
import { sizeOf } from "../../src/base/shape.ts";
import type { Device } from "../../src/device/types.ts";
import type { Case, Op, Target } from "../../src/graph/types.ts";
import { caseName, outputSlot, planOf, randomInputs } from "../support/cases.ts";
import { sharedGpu } from "../support/gpu.ts";

const gpu = sharedGpu();

const { lanes: _lanes, ...alone } = (await gpu()).target;
const together: Target = { ...alone, lanes: 8 };
const WITH_LANES = (await gpu()).target.lanes === 8;

async function outputsOf(device: Device, test: Case, target: Target): Promise<Uint32Array[]> {
  const memory = device.memory();
  const op: Op = { ...matmulOp, launch: (io, attrs) => matmulOp.launch(io, attrs, target) };
  const program = await device.load(planOf(op, test.inputs, test.attrs), memory);
  randomInputs(test).forEach(({ data }, i) => {
    memory.write(`x${i}`, data instanceof Float64Array ? Float32Array.from(data) : data);
  });
  program.run();
  const outputs = op.shape(test.inputs, test.attrs).map(({ shape }, k) =>
    memory.read([{ slot: outputSlot(op, test.attrs, k), offset: 0, length: sizeOf(shape) }])
  );
  return (await Promise.all(outputs)).map(({ buffer }) => new Uint32Array(buffer));
}

const EDGES = [1, 8, 31, 33, 64, 100];

/** Products whose rows, columns and inner size lie about the edges of tiles. */
function edgeCases(): Case[] {
  return EDGES.flatMap((size, i) =>
    [false, true].flatMap((ta) =>
      [false, true].map((tb): Case => {
        const [m, n, k] = [257 + size, 60 + (EDGES.at(-1 - i) as number), size];
        return {
          kind: "tile",
          inputs: [
            { shape: ta ? [k, m] : [m, k], dtype: "f32" },
            { shape: tb ? [n, k] : [k, n], dtype: "f32" },
          ],
          attrs: { ta, tb },
        };
      })
    )
  );
}

Deno.test("small and narrow products stay without lanes, large ones have them", () => {
  const lanesOf = (m: number, n: number) => chooseTile({ m, n, ta: false }, together).lanes;
  assertEquals([lanesOf(4, 512), lanesOf(512, 8), lanesOf(512, 512)], [undefined, undefined, 8]);
  assertEquals(chooseTile({ m: 512, n: 512, ta: false }, alone).lanes, undefined);
  const gpuKind: Target = { ...together, kind: "gpu" };
  assertEquals(chooseTile({ m: 512, n: 512, ta: false }, gpuKind).lanes, undefined);
});

Deno.test("the edge cases are done by lanes", () => {
  const uses = edgeCases().map(({ inputs, attrs }) => {
    const io = { inputs, outputs: matmulOp.shape(inputs, attrs) };
    return matmulOp.launch(io, attrs, together).some(({ wgsl }) => wgsl.includes("subgroup"));
  });
  assert(uses.filter(Boolean).length > uses.length / 2, String(uses));
});

for (const test of [...matmulOp.cases.filter(({ kind }) => kind !== "bench"), ...edgeCases()]) {
  Deno.test({
    name: `by lanes as without: ${caseName(matmulOp, test)}`,
    // Elsewhere no product is done by lanes.
    ignore: !WITH_LANES,
    fn: async () => {
      const device = await gpu();
      assertEquals(
        await outputsOf(device, test, together),
        await outputsOf(device, test, { ...alone, kind: "cpu" }),
      );
    },
  });
}
