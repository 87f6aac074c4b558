/** Compilation of kernels at load, with progress reports. */
import { assertEquals, assertRejects } from "@std/assert";
import { pointwise } from "../../kernels/pointwise/mod.ts";
import { nextCount, ownFirst } from "../../src/device/kernels.ts";
import type { KernelCount } from "../../src/device/types.ts";
import { openWebGpu } from "../../src/device/webgpu.ts";
import { add, type Expr, formula } from "../../src/graph/formula.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Spec } from "../../src/graph/types.ts";
import { compile } from "../../src/plan/compile.ts";
import { planOf } from "../../src/testing/cases.ts";
import { onGpu } from "../support/gpu.ts";

/** A plan with one kernel per number, which adds it to x. */
function plan(...numbers: readonly number[]) {
  const trace = newTrace();
  const x = trace.source({ shape: [3], dtype: "f32" }, "batch", "x");
  const results = Object.fromEntries(
    numbers.map((n) => [`y${n}`, pointwise(formula(1, (v) => add(v as Expr, n)), [x])]),
  );
  const { calls, constants } = trace;
  return compile({ calls, constants, results }, { fuse: false });
}

async function watched(index = 0) {
  const told: KernelCount[] = [];
  const device = await openWebGpu({
    runtime: Deno.version.deno,
    compiling: { progress: (kernels) => void told.push(kernels), share: { index, of: 2 } },
  });
  return { told, device };
}

Deno.test(onGpu("each compiled kernel is counted once, out of all expected ones"), async () => {
  const { told, device } = await watched();
  const [first, second] = [plan(1, 2, 3), plan(2, 3, 4, 5)];
  device.expect([first, second]);
  const memory = device.memory();
  await device.load(first, memory);
  assertEquals(told.at(-1), { done: 3, total: 5 });
  await device.load(second, memory);
  assertEquals(told.at(-1), { done: 5, total: 5 });
  const before = told.length;
  await device.load(plan(1, 5), memory);
  assertEquals(told.length, before); // All kernels are cached.
  await device.load(plan(5, 6), memory);
  assertEquals(told.at(-1), { done: 1, total: 1 });
  device.close();
});

Deno.test(
  onGpu("kernels compiled at load compute the same, write nothing at load, and have the same hash"),
  async () => {
    const three = plan(7, 8, 9);
    const hashes: string[] = [];
    for (const index of [0, 1]) {
      const { device } = await watched(index);
      const memory = device.memory();
      memory.ensure("x", 3);
      memory.write("x", Float32Array.of(1, 2, 3));
      const program = await device.load(three, memory);
      const read = () =>
        memory.read([7, 8, 9].map((n) => ({ slot: `y${n}`, offset: 0, length: 3 })));
      assertEquals([...await read()], new Array(9).fill(0));
      program.run();
      assertEquals([...await read()], [8, 9, 10, 9, 10, 11, 10, 11, 12]);
      hashes.push(device.shaders);
      device.close();
    }
    assertEquals(hashes[0], hashes[1]);
    const plain = await openWebGpu({ runtime: Deno.version.deno });
    await plain.load(three, plain.memory());
    assertEquals(plain.shaders, hashes[0]);
    plain.close();
  },
);

Deno.test(onGpu("with progress reports, an invalid kernel's error names its op"), async () => {
  const { device } = await watched();
  const broken = planOf(
    {
      name: "broken",
      shape: ([x]) => [x as Spec],
      launch: () => [{ wgsl: "nonsense", bindings: [{ input: 0 }], groups: [1, 1, 1] }],
      reference: () => {},
      cost: () => ({ flops: 0, bytes: 0, terms: 1 }),
      cases: [],
    },
    [{ shape: [4], dtype: "f32" }],
    {},
  );
  await assertRejects(() => device.load(broken, device.memory()), Error, "the kernel of broken");
  device.close();
});

Deno.test("processes that compile the same kernels start with different ones, and each compiles all", () => {
  const kernels = [0, 1, 2, 3, 4, 5, 6];
  assertEquals(ownFirst(kernels, { index: 0, of: 1 }), kernels);
  assertEquals(ownFirst(kernels, { index: 1, of: 3 }), [1, 4, 0, 2, 3, 5, 6]);
  assertEquals(ownFirst(kernels, { index: 5, of: 3 }), [2, 5, 0, 1, 3, 4, 6]);
});

Deno.test("progress is reported per batch of kernels for cache hits, else per kernel", () => {
  assertEquals([nextCount(1, 20), nextCount(2, 40), nextCount(16, 40)], [2, 4, 16]);
  assertEquals([nextCount(1, 900), nextCount(16, 1700)], [1, 1]);
});
