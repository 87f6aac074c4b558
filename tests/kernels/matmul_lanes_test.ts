/** Products with subgroup lanes are bitwise equal to those without, at all sizes. */
import { assert, assertEquals } from "@std/assert";
import { chooseMatmul, matmulOp } from "../../kernels/matmul/mod.ts";
import type { Device } from "../../src/device/types.ts";
import type { Expr } from "../../src/graph/formula.ts";
import { add, formula } from "../../src/graph/formula.ts";
import type { Case, Op, Target } from "../../src/graph/types.ts";
import { caseName } from "../../src/testing/cases.ts";
import { hasGpu, onGpu, sharedGpu } from "../support/gpu.ts";
import { bitsOf, productCase, productsBy } from "../support/graph/products.ts";

const gpu = sharedGpu();

/** A target to print kernels for where there is no adapter. */
const PLAIN: Target = { kind: "cpu", workgroupBytes: 32768, invocations: 256, groups: 65535 };
const { lanes, ...alone } = hasGpu() ? (await gpu()).target : PLAIN;
const together: Target = { ...alone, lanes: 8 };

/** The name of a test that runs lanes together: on adapters without them no product uses them. */
function withLanes(name: string): { name: string; ignore: boolean } {
  const test = onGpu(name);
  return { ...test, ignore: test.ignore || lanes !== 8 };
}

async function outputsOf(device: Device, test: Case, target: Target): Promise<Uint32Array[]> {
  const launch: Op["launch"] = (io, attrs) => matmulOp.launch(io, attrs, target);
  return bitsOf(await productsBy(device, test, launch));
}

const EDGES = [1, 8, 31, 33, 64, 100];

/** Products whose rows, columns and inner size are at the edges of tiles. */
function edgeCases(): Case[] {
  return EDGES.flatMap((size, i) =>
    [false, true].flatMap((ta) =>
      [false, true].map((tb) =>
        productCase([257 + size, 60 + (EDGES.at(-1 - i) as number), size], { ta, tb })
      )
    )
  );
}

/** Products with a bias, which all rows of a column share, at and beyond the edges of tiles. */
function biasedCases(): Case[] {
  const epilogue = formula(2, (sum, bias) => add(sum as Expr, bias as Expr));
  return [[256, 64], [257, 64], [256, 60], [259, 89]].map(([m = 0, n = 0]) => {
    const { inputs, kind } = productCase([m, n, 12], { ta: false, tb: false });
    return { kind, inputs: [...inputs, { shape: [n], dtype: "f32" }], attrs: { epilogue } };
  });
}

Deno.test("large products use subgroup lanes, small and narrow ones do not", () => {
  const lanesOf = (m: number, n: number, target = together) =>
    chooseMatmul({ m, n, k: 64, ta: false, tb: false }, target).tiling.lanes;
  assertEquals([lanesOf(4, 512), lanesOf(512, 8), lanesOf(512, 512)], [undefined, undefined, 8]);
  assertEquals(lanesOf(512, 512, alone), undefined);
  assertEquals(lanesOf(512, 512, { ...together, kind: "gpu" }), undefined);
});

Deno.test("the edge cases use subgroup lanes", () => {
  const uses = edgeCases().map(({ inputs, attrs }) => {
    const io = { inputs, outputs: matmulOp.shape(inputs, attrs) };
    return matmulOp.launch(io, attrs, together).some(({ wgsl }) => wgsl.includes("subgroup"));
  });
  assert(uses.filter(Boolean).length > uses.length / 2, String(uses));
});

const CASES = [
  ...matmulOp.cases.filter(({ kind }) => kind !== "bench"),
  ...edgeCases(),
  ...biasedCases(),
];

for (const test of CASES) {
  Deno.test({
    ...withLanes(`by lanes as without: ${caseName(matmulOp, test)}`),
    fn: async () => {
      const device = await gpu();
      assertEquals(
        await outputsOf(device, test, together),
        await outputsOf(device, test, { ...alone, kind: "cpu" }),
      );
    },
  });
}
