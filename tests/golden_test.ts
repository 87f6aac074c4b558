/**
 * Golden files of printed kernels, per tiling: any change of a generator's output fails here. After
 * an intended change run `deno test -A tests/golden_test.ts -- --update` and review the diff.
 */
import { assertEquals } from "@std/assert";
import { attentionBackwardOp, attentionOp } from "../kernels/attention/mod.ts";
import { printBlocks } from "../kernels/matmul/matmul_block_wgsl.ts";
import type { BlockKernel } from "../kernels/matmul/matmul_block_wgsl.ts";
import { addSlices } from "../kernels/matmul/matmul_slices_wgsl.ts";
import { printMatmul } from "../kernels/matmul/matmul_wgsl.ts";
import type { MatmulKernel } from "../kernels/matmul/matmul_wgsl.ts";
import type { Op, Spec, Target } from "../src/graph/types.ts";

const FOLDER = new URL("./golden/wgsl/", import.meta.url);
const TARGET: Target = { kind: "cpu", workgroupBytes: 16384, invocations: 256, groups: 65535 };

/** Compares a text with its golden file, or writes the file with `--update`. */
async function assertGolden(name: string, text: string): Promise<void> {
  const path = new URL(name, FOLDER);
  if (Deno.args.includes("--update")) return await Deno.writeTextFile(path, text);
  assertEquals(text, await Deno.readTextFile(path), `${name} has changed`);
}

function launches(op: Op, inputs: readonly Spec[], attrs: unknown): string {
  const io = { inputs, outputs: op.shape(inputs, attrs) };
  return op.launch(io, attrs, TARGET).map((launch) => launch.wgsl).join("\n");
}

const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });

const MATMULS: Readonly<Record<string, MatmulKernel>> = {
  "matmul_4x4": { m: 8, n: 8, k: 8, ta: false, tb: false, tile: [4, 4], group: [2, 16] },
  "matmul_4x8_ta": { m: 8, n: 8, k: 8, ta: true, tb: false, tile: [4, 8], group: [1, 32] },
  "matmul_8x8_tb": { m: 16, n: 16, k: 8, ta: false, tb: true, tile: [8, 8], group: [2, 16] },
  "matmul_8x8_ragged": { m: 9, n: 11, k: 7, ta: true, tb: true, tile: [8, 8], group: [2, 16] },
};

for (const [name, kernel] of Object.entries(MATMULS)) {
  Deno.test(`the printed kernel ${name} equals its golden file`, async () => {
    const { head, body } = printMatmul(kernel);
    await assertGolden(`${name}.wgsl`, `${head}\n${body}\n`);
  });
}

const BLOCKS: Readonly<Record<string, BlockKernel>> = {
  "matmul_block": {
    ...{ m: 64, n: 64, k: 64, ta: false, tb: false, tile: [4, 4], group: [8, 8], steps: 8 },
    prefetch: true,
  },
  "matmul_block_slices": {
    ...{ m: 33, n: 40, k: 50, ta: true, tb: true, tile: [4, 4], group: [4, 4], steps: 4 },
    slices: 4,
  },
};

for (const [name, kernel] of Object.entries(BLOCKS)) {
  Deno.test(`the printed kernel ${name} equals its golden file`, async () => {
    const { head, body } = printBlocks(kernel);
    const added = addSlices(kernel);
    await assertGolden(`${name}.wgsl`, `${head}${added.head}\n${body}\n${added.body}`);
  });
}

Deno.test("the printed kernels of attention equal their golden files", async () => {
  const attrs = { heads: 2, causal: true };
  const [qkv, y, lse] = [f32(1, 8, 24), f32(1, 8, 8), f32(1, 2, 8)] as const;
  await assertGolden("attention.wgsl", launches(attentionOp, [qkv], attrs));
  const backward = launches(attentionBackwardOp, [qkv, y, lse, y], attrs);
  await assertGolden("attention_backward.wgsl", backward);
});
