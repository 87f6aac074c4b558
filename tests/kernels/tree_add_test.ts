/** The reduction tree's addition is bitwise equal on the GPU and in JavaScript. */
import { assertEquals } from "@std/assert";
import { treeAddOp } from "../../kernels/reduce/mod.ts";
import { rootKey, threefry } from "../../src/base/random.ts";
import { treeAddInto } from "../../src/base/tree_add.ts";
import { openWebGpu } from "../../src/device/webgpu.ts";
import type { Spec } from "../../src/graph/types.ts";
import { planOf } from "../../src/testing/cases.ts";
import { onGpu } from "../support/gpu.ts";

/** Zeros, subnormals, the smallest normals, powers of two, the largest, infinities, NaNs. */
const EDGES = [
  0,
  1,
  0x0000_0400,
  0x007f_ffff,
  0x0080_0000,
  0x0080_0001,
  0x00ff_ffff,
  0x0100_0000,
  0x3f80_0000,
  0x3f80_0001,
  0x7f00_0000,
  0x7f7f_ffff,
  0x7f80_0000,
  0x7f80_0001,
  0x7fc0_0000,
  0x7fff_ffff,
].flatMap((bits) => [bits, (bits | 0x8000_0000) >>> 0]);

/** Pairs of bit patterns: all pairs of edges, then random ones, half of them of near exponents. */
function patterns(n: number): [Uint32Array<ArrayBuffer>, Uint32Array<ArrayBuffer>] {
  const [a, b] = [new Uint32Array(n), new Uint32Array(n)];
  for (let i = 0; i < n; i++) {
    const [x, y] = threefry(rootKey(5), i, 0);
    const near = ((x & 0x7f80_0000) | (y & 0x80ff_ffff)) >>> 0;
    [a[i], b[i]] = [x, i % 2 === 0 ? y : near];
  }
  EDGES.forEach((x, i) => a.fill(x, i * EDGES.length, (i + 1) * EDGES.length));
  EDGES.forEach((_, i) => b.set(EDGES, i * EDGES.length));
  return [a, b];
}

/** Bits of a (+) b on the device. */
async function onDevice(a: Uint32Array, b: Uint32Array): Promise<Uint32Array> {
  const device = await openWebGpu({ runtime: Deno.version.deno });
  const memory = device.memory();
  const spec: Spec = { shape: [a.length], dtype: "f32" };
  const program = await device.load(planOf(treeAddOp, [spec, spec], {}), memory);
  memory.write("x0", a);
  memory.write("x1", b);
  program.run();
  const sum = await memory.read([{ slot: "x0", offset: 0, length: a.length }]);
  device.close();
  return new Uint32Array(sum.buffer, sum.byteOffset, sum.length);
}

// An odd length uses the kernel's scalar path, the other the vec4 path.
for (const n of [65_536, 65_535]) {
  Deno.test(
    onGpu(`tree_add is bitwise equal to JavaScript for ${n} pairs of bit patterns`),
    async () => {
      const [a, b] = patterns(n);
      const got = await onDevice(a, b);
      const want = a.slice();
      const sums = new Float32Array(want.buffer);
      treeAddInto(sums, sums, new Float32Array(b.buffer));
      const wrong = got.findIndex((bits, i) => bits !== want[i]);
      const hex = (bits: number | undefined) => bits?.toString(16);
      assertEquals(wrong, -1, `${hex(a[wrong])} + ${hex(b[wrong])}: ${hex(got[wrong])}`);
    },
  );
}
