/**
 * Every kernel of the GPU table at the edges of its blocks, on any adapter: close to the reference,
 * and without sliced K bitwise equal to the simplest kernel.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { launchMatmul, matmulOp, productOf, variantsOf } from "../../kernels/matmul/mod.ts";
import type { Variant } from "../../kernels/matmul/mod.ts";
import { openReference } from "../../src/device/reference.ts";
import { add, formula, mul, tanh } from "../../src/graph/formula.ts";
import type { Expr } from "../../src/graph/formula.ts";
import type { Case, Op, Target } from "../../src/graph/types.ts";
import { onGpu, sharedGpu } from "../support/gpu.ts";
import { bitsOf, productCase, productsBy } from "../support/graph/products.ts";
import { tolerance } from "../../src/testing/tolerance.ts";

const gpu = sharedGpu();

const TARGET: Target = { kind: "gpu", workgroupBytes: 32768, invocations: 256, groups: 65535 };
const TRANSPOSES = [[false, false], [true, false], [false, true], [true, true]] as const;

const rows = (m: number) => variantsOf({ m, n: 4096, k: 4096, ta: false, tb: false }, TARGET);
const PLAINEST = rows(4096).at(-1) as Variant;

type Sizes = readonly [number, number, number];

/** Rows, columns and K of a workgroup's block between two barriers. */
function blockOf({ tiling: { tile: [tm, tn], group: [gx, gy], slices = 1, steps = 4 } }: Variant) {
  return [tm * gy, tn * gx, steps * slices] as const;
}

const epilogue = formula(3, (sum, bias, res) => {
  const z = add(sum as Expr, bias as Expr);
  return [z, add(res as Expr, mul(z, tanh(z)))];
});

/** A case that stores two results of sum, bias [N] and residual [M, N]. */
function withEpilogue(test: Case): Case {
  const shape = matmulOp.shape(test.inputs, test.attrs)[0]?.shape ?? [];
  const inputs = [shape.slice(1), shape].map((s) => ({ shape: s, dtype: "f32" }) as const);
  return { ...test, inputs: [...test.inputs, ...inputs], attrs: { ...test.attrs, epilogue } };
}

/** A case that accumulates onto the output. */
function withSum(test: Case): Case {
  const [sum] = matmulOp.shape(test.inputs, test.attrs);
  return {
    ...test,
    inputs: [...test.inputs, ...sum ? [sum] : []],
    attrs: { ...test.attrs, onto: true },
  };
}

/**
 * At the edges: odd sizes and multiples of 4, for all transposes; `turn` shifts the combinations.
 */
function casesOf(variant: Variant, turn: number): Case[] {
  const [bm, bn, bk] = blockOf(variant);
  const edges: readonly Sizes[] = [
    [1, 1, 1],
    [bm, bn, bk],
    [bm - 1, bn, bk - 1],
    [bm + 4, bn - 4 || 4, 2 * bk + 4],
  ];
  return TRANSPOSES.flatMap(([ta, tb], i) => {
    const odd = productCase([bm + 1, bn + 1, 2 * bk + 1], { ta, tb });
    const other = productCase(edges[(i + turn) % edges.length] as Sizes, { ta, tb });
    // Odd column counts store element by element, which compiles for seconds in large tiles.
    if (i === 1 && bm <= 32) return [withEpilogue(odd), other];
    return i === 2 ? [odd, withSum(other)] : [odd, withEpilogue(other)];
  });
}

/** Narrow products: the rows of a decoding step. */
function narrowCases(): Case[] {
  const sizes: readonly Sizes[] = [[1, 64, 128], [2, 33, 131], [3, 36, 257], [8, 100, 260]];
  return sizes.flatMap((size, i) =>
    [false, true].map((tb) => {
      const test = productCase(size, { ta: false, tb });
      return i === 2 ? withSum(test) : i % 2 === 0 ? test : withEpilogue(test);
    })
  );
}

const by = ({ tiling }: Variant): Op["launch"] => (io, attrs) => launchMatmul(io, attrs, tiling);

async function check(variant: Variant, test: Case): Promise<void> {
  const name = `${variant.name}: ${JSON.stringify(test.inputs.map((s) => s.shape))} ` +
    `${test.attrs.ta} ${test.attrs.tb}`;
  const device = await gpu();
  const got = await productsBy(device, test, by(variant));
  const want = await productsBy(openReference(), test);
  const outputs = matmulOp.shape(test.inputs, test.attrs);
  const { terms } = matmulOp.cost({ inputs: test.inputs, outputs }, test.attrs);
  want.forEach((values, k) => {
    const bound = tolerance(terms, values.reduce((m, v) => Math.max(m, Math.abs(v)), 0));
    values.forEach((v, i) => {
      const value = got[k]?.[i] as number;
      assert(Math.abs(v - value) <= bound, `${name}: output ${k} at ${i}: ${value} for ${v}`);
    });
  });
  if (variant.tiling.slices !== undefined) return;
  assertEquals(bitsOf(got), bitsOf(await productsBy(device, test, by(PLAINEST))), name);
}

/** Rows that are never selected, as they are not measured yet: one case tests their correctness. */
const waits = ({ name }: Variant): boolean => /ahead|by 16|tiles of|registers/.test(name);

rows(4096).forEach((variant, turn) => {
  const [bm, bn, bk] = blockOf(variant);
  Deno.test(onGpu(`${variant.name} is correct at the edges of ${bm} x ${bn} x ${bk}`), async () => {
    const cases = casesOf(variant, turn);
    const some = waits(variant) ? [cases[2 * (turn % 4)] as Case] : cases;
    for (const test of some) await check(variant, test);
  });
});

Deno.test(onGpu("narrow products are correct for one to eight rows"), async () => {
  for (const test of narrowCases()) {
    const [variant] = variantsOf(
      productOf({ inputs: test.inputs, outputs: [] }, test.attrs),
      TARGET,
    );
    assert(variant !== undefined && variant.name.startsWith("narrow"));
    await check(variant, test);
  }
});

Deno.test("blocks whose quads do not divide by the invocations are rejected", () => {
  const { inputs } = productCase([64, 64, 64], { ta: false, tb: false });
  const io = { inputs, outputs: inputs.slice(0, 1) };
  assertThrows(
    () => launchMatmul(io, {}, { tile: [4, 4], group: [16, 16], steps: 4 }),
    RangeError,
    "Cannot print blocks of 64 x 4: they must be whole quads for 256 invocations: 0.25 each",
  );
});
