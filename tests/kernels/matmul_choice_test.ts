/** The tiling table: selections for some sizes, and that they fit the target. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { chooseMatmul, variantName, variantsOf } from "../../kernels/matmul/mod.ts";
import type { Product } from "../../kernels/matmul/mod.ts";
import { threadsOf, workgroupBytes } from "../../kernels/matmul/matmul_slices_wgsl.ts";
import type { Target } from "../../src/graph/types.ts";

const CPU: Target = { kind: "cpu", workgroupBytes: 32768, invocations: 1024, groups: 65535 };
const LANES: Target = { ...CPU, lanes: 8 };
const GPU: Target = { kind: "gpu", workgroupBytes: 49152, invocations: 1024, groups: 65535 };
/** Limits of every WebGPU adapter. */
const FLOOR: Target = { ...GPU, workgroupBytes: 16384, invocations: 256 };

type Sizes = readonly [m: number, n: number, k: number];

const plain = ([m, n, k]: Sizes): Product => ({ m, n, k, ta: false, tb: false });
const gradient = (sizes: Sizes): Product => ({ ...plain(sizes), ta: true });

Deno.test("on CPU drivers products get the measured tiles", () => {
  const tiling = (product: Product) => chooseMatmul(product, CPU).tiling;
  assertEquals(tiling(plain([512, 512, 512])), { tile: [16, 8], group: [8, 4] });
  assertEquals(tiling(gradient([512, 512, 512])), { tile: [8, 16], group: [8, 4] });
  assertEquals(tiling(plain([64, 64, 64])), { tile: [8, 8], group: [8, 4] });
  assertEquals(tiling(plain([33, 48, 20])), { tile: [4, 4], group: [8, 4] });
  assertEquals(tiling(plain([1, 9, 768])), { tile: [4, 4], group: [4, 8] });
  assertEquals(tiling(plain([1, 2304, 768])), { tile: [16, 8], group: [8, 4] });
});

Deno.test("with subgroups of 8 on CPU drivers large products use subgroup lanes", () => {
  const tiling = (product: Product) => chooseMatmul(product, LANES).tiling;
  assertEquals(tiling(plain([512, 512, 512])), { tile: [32, 8], group: [8, 1], lanes: 8 });
  assertEquals(tiling(plain([64, 128, 64])), { tile: [32, 4], group: [8, 1], lanes: 8 });
  assertEquals(tiling(plain([8, 768, 768])), { tile: [8, 4], group: [8, 1], lanes: 8 });
  assertEquals(tiling(gradient([8, 768, 768])), { tile: [8, 8], group: [8, 4] });
  assertEquals(tiling(plain([4, 512, 64])), { tile: [16, 8], group: [8, 4] });
  assertEquals(chooseMatmul(plain([512, 512, 512]), { ...CPU, lanes: 4 }).tiling.lanes, undefined);
});

/** Pairs of sizes: the last for which a row is selected, and the first beyond. */
const SWITCHES: readonly (readonly [Product, string])[] = [
  [plain([8, 768, 128]), "narrow, 32 slices"],
  [plain([9, 768, 256]), "block 16x16, 16 slices"],
  [plain([8, 768, 127]), "registers 4x4"],
  [plain([2048, 2112, 64]), "block 128x128"],
  [plain([2048, 2048, 64]), "block 64x128"],
  [plain([64, 50304, 768]), "block 64x128"],
  [plain([50304, 64, 768]), "block 128x64"],
  [plain([1088, 1024, 64]), "block 64x64"],
  [plain([1024, 1024, 256]), "block 64x64, 4 slices"],
  [plain([1024, 1024, 255]), "block 32x32, 4 slices"],
  [plain([768, 768, 8192]), "block 32x32, 4 slices"],
  [plain([1024, 1024, 127]), "registers 4x8"],
  [plain([1020, 1024, 127]), "registers 4x4"],
  [plain([352, 384, 384]), "block 32x32, 4 slices"],
  [plain([352, 352, 384]), "block 16x16, 16 slices"],
  [plain([384, 2, 16384]), "block 16x16, 16 slices"],
  [plain([1, 1, 1]), "registers 4x4"],
];

for (const [product, name] of SWITCHES) {
  const { m, n, k } = product;
  Deno.test(`on a GPU ${m} x ${n} x ${k} selects ${name}`, () => {
    for (const target of [GPU, FLOOR]) assertEquals(variantName(product, target), name);
  });
}

/** The products of GPT-2 124M at 8 x 1024 tokens, and of a character model of 10.7M. */
const MODELS: readonly Product[] = [
  ...[768, 2304, 3072].flatMap((n) => [plain([8192, n, 768]), gradient([768, n, 8192])]),
  ...[384, 1152, 1536].flatMap((n) => [plain([16384, n, 384]), gradient([384, n, 16384])]),
  plain([8192, 16384, 768]),
  plain([16384, 65, 384]),
];

Deno.test("on a GPU products of common models keep all cores busy", () => {
  for (const product of MODELS) {
    const { tile: [tm, tn], group: [gx, gy] } = chooseMatmul(product, FLOOR).tiling;
    const groups = Math.ceil(product.m / (tm * gy)) * Math.ceil(product.n / (tn * gx));
    assert(groups >= 132, `${JSON.stringify(product)}: ${groups}`);
  }
});

Deno.test("no selection exceeds the target's limits", () => {
  const small: Target = { ...GPU, workgroupBytes: 4096, invocations: 128 };
  for (const target of [FLOOR, small]) {
    for (const product of [...MODELS, ...SWITCHES.map(([each]) => each)]) {
      for (const { tiling } of [...variantsOf(product, target), chooseMatmul(product, target)]) {
        assert(threadsOf(tiling) <= target.invocations);
        assert(workgroupBytes(tiling) <= target.workgroupBytes);
      }
    }
  }
  const square = plain([4096, 4096, 4096]);
  assertNotEquals(variantName(square, small), variantName(square, GPU));
});
