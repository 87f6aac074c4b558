/** The reduction tree's addition is bitwise equal on devices, in the exchange and in JavaScript. */
import { assertEquals } from "@std/assert";
import { treeAddOp } from "../../kernels/reduce/mod.ts";
import { rootKey, threefry } from "../../src/base/random.ts";
import { treeAddInto } from "../../src/base/tree_add.ts";
import { openCpu } from "../../src/device/cpu.ts";
import type { Device } from "../../src/device/types.ts";
import { openWebGpu } from "../../src/device/webgpu.ts";
import type { Spec } from "../../src/graph/types.ts";
import { SumMemory } from "../../src/reduce/sum_memory.ts";
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

/** Bits of two vectors. */
type Pair = readonly [Uint32Array<ArrayBuffer>, Uint32Array<ArrayBuffer>];

/** Pairs of bit patterns: all pairs of edges, then random ones, half of them of near exponents. */
function patterns(n: number): Pair {
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

/** Bits of a (+) b on a device. */
async function onDevice(device: Device, [a, b]: Pair): Promise<Uint32Array> {
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

/** Bits of a (+) b by the memory of an exchange. */
function inExchange([a, b]: Pair): Uint32Array {
  const n = a.length;
  const memory = new SumMemory({ vectors: [n, n, n], pages: [] });
  const words = () => {
    const data = memory.allocate(n);
    return { data, bits: new Uint32Array(data.buffer, data.byteOffset, n) };
  };
  const [sum, left, right] = [words(), words(), words()];
  left.bits.set(a);
  right.bits.set(b);
  memory.add(sum.data, left.data, right.data);
  // In place, on either side.
  memory.add(left.data, left.data, right.data);
  left.bits.forEach((bits, i) => assertEquals(bits, sum.bits[i]));
  left.bits.set(a);
  memory.add(right.data, left.data, right.data);
  right.bits.forEach((bits, i) => assertEquals(bits, sum.bits[i]));
  return sum.bits;
}

const ADDITIONS: Readonly<Record<string, (pair: Pair) => Promise<Uint32Array>>> = {
  "the kernel of WebGPU": async (pair) =>
    await onDevice(await openWebGpu({ runtime: Deno.version.deno }), pair),
  "the kernel of the CPU device": (pair) => onDevice(openCpu(), pair),
  "the exchange": (pair) => Promise.resolve(inExchange(pair)),
};

for (const [what, add] of Object.entries(ADDITIONS)) {
  // An odd length uses scalar paths, the other those of vectors.
  for (const n of [65_536, 65_535]) {
    const name = `${what} adds ${n} pairs of bit patterns as JavaScript does`;
    Deno.test(what.endsWith("WebGPU") ? onGpu(name) : { name }, async () => {
      const [a, b] = patterns(n);
      const got = await add([a, b]);
      const want = a.slice();
      const sums = new Float32Array(want.buffer);
      treeAddInto(sums, sums, new Float32Array(b.buffer));
      const wrong = got.findIndex((bits, i) => bits !== want[i]);
      const hex = (bits: number | undefined) => bits?.toString(16);
      assertEquals(wrong, -1, `${hex(a[wrong])} + ${hex(b[wrong])}: ${hex(got[wrong])}`);
    });
  }
}
