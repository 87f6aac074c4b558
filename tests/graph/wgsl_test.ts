/** Shared WGSL: random numbers on the GPU, and one-dimensional grids. */
import { assert, assertEquals } from "@std/assert";
import { rootKey, threefry } from "../../src/base/random.ts";
import { openWebGpu } from "../../src/device/webgpu.ts";
import type { Op, Spec } from "../../src/graph/types.ts";
import { linearGroups, linearHead, THREEFRY, WORKGROUP_SIZE } from "../../src/graph/wgsl.ts";
import { planOf } from "../../src/testing/cases.ts";
import { onGpu } from "../support/gpu.ts";

/** Draws the words of each counter pair: key u32 [2], counters u32 [N, 2] to words u32 [N, 2]. */
const drawOp: Op = {
  name: "draw",
  shape: ([_key, counters]) => [counters as Spec],
  launch: ({ inputs }, _, target) => {
    const n = inputs[1]?.shape[0] as number;
    const groups = linearGroups(n, target.groups);
    const wgsl = `@group(0) @binding(0) var<storage, read> key: vec2<u32>;
@group(0) @binding(1) var<storage, read> counters: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read_write> words: array<vec2<u32>>;
${THREEFRY}
${linearHead(n, groups)}
  words[i] = threefry(key, counters[i]);
}`;
    return [{ wgsl, bindings: [{ input: 0 }, { input: 1 }, { output: 0 }], groups }];
  },
  reference: () => {
    throw new Error("The reference is threefry() itself");
  },
  cost: () => ({ flops: 0, bytes: 0, terms: 1 }),
  cases: [],
};

Deno.test(
  onGpu("THREEFRY on the GPU equals threefry() on 4096 counters, the extremes among them"),
  async () => {
    const key = rootKey(11);
    const counters = Uint32Array.from({ length: 8192 }, (_, i) => threefry(rootKey(12), i, 0)[0]);
    counters.set([0, 0, 0xffff_ffff, 0xffff_ffff, 0, 0xffff_ffff, 1, 0]);
    const device = await openWebGpu({ runtime: Deno.version.deno });
    const memory = device.memory();
    const specs: Spec[] = [{ shape: [2], dtype: "u32" }, { shape: [4096, 2], dtype: "u32" }];
    const program = await device.load(planOf(drawOp, specs, {}), memory);
    memory.write("x0", Uint32Array.from(key));
    memory.write("x1", counters);
    program.run();
    const read = await memory.read([{ slot: "y0", offset: 0, length: 8192 }]);
    device.close();
    const got = new Uint32Array(read.buffer, read.byteOffset, read.length);
    for (let i = 0; i < 4096; i++) {
      const [c0, c1] = counters.subarray(2 * i, 2 * i + 2) as unknown as [number, number];
      assertEquals([got[2 * i], got[2 * i + 1]], [...threefry(key, c0, c1)], `counter ${i}`);
    }
  },
);

Deno.test("linearGroups() covers n within the limit along x, without a spare row", () => {
  for (const limit of [1, 3, 65535]) {
    for (
      const n of [
        1,
        WORKGROUP_SIZE - 1,
        WORKGROUP_SIZE,
        WORKGROUP_SIZE + 1,
        3 * WORKGROUP_SIZE,
        3 * WORKGROUP_SIZE + 1,
        100 * WORKGROUP_SIZE,
      ]
    ) {
      const [x, y, z] = linearGroups(n, limit);
      assert(x <= limit && z === 1);
      assert(
        x * y * WORKGROUP_SIZE >= n && x * (y - 1) * WORKGROUP_SIZE < n,
        `${n} by ${limit}: ${[x, y]}`,
      );
    }
  }
});
