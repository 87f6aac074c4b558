/** Behaviour specific to WebGPU: limits, asynchronous errors, pass timing. */
import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import { pointwise } from "../../kernels/pointwise/mod.ts";
import { UserError } from "../../src/base/user_error.ts";
import { isSoftware } from "../../src/device/adapter.ts";
import { inErrorScopes } from "../../src/device/guard.ts";
import { openWebGpu } from "../../src/device/webgpu.ts";
import type { Expr } from "../../src/graph/formula.ts";
import { add, formula } from "../../src/graph/formula.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Op, Role, Spec } from "../../src/graph/types.ts";
import { GELU } from "../../src/nn/formulas.ts";
import { compile } from "../../src/plan/compile.ts";
import { planOf } from "../../src/testing/cases.ts";
import { onGpu } from "../support/gpu.ts";

/** A plan with a source of `bytes` bytes and a local result of the same size. */
function planOfBytes(bytes: number, { role, name }: { role: Role; name: string }) {
  const trace = newTrace();
  const x = trace.source({ shape: [bytes / 4], dtype: "f32" }, role, name);
  const y = pointwise(GELU, [pointwise(GELU, [x])]);
  const { calls, constants } = trace;
  return compile({ calls, constants, results: { y } }, { fuse: false });
}

Deno.test(
  onGpu("a tensor above the binding limit is rejected by name, with both sizes in bytes"),
  async () => {
    const device = await openWebGpu();
    const limit = device.bindingBytes;
    const bytes = limit + 256;
    const param = planOfBytes(bytes, { role: "param", name: "tokens.weight" });
    const refusal = await assertRejects(
      () => device.load(param, device.memory()),
      UserError,
      "tokens.weight",
    );
    assertEquals(refusal.exit, "tooLarge");
    for (const part of [`${bytes} bytes`, `${limit}`, device.name, "lower "]) {
      assert(refusal.message.includes(part), `${part} is missing: ${refusal.message}`);
    }
    assert(!refusal.message.includes("\n"));
    device.close();
  },
);

/** An op whose WGSL is `wgsl`. */
function opOf(wgsl: string): Op {
  return {
    name: "broken",
    shape: ([x]) => [x as Spec],
    launch: () => [{ wgsl, bindings: [{ input: 0 }, { output: 0 }], groups: [1, 1, 1] }],
    reference: () => {},
    cost: () => ({ flops: 0, bytes: 0, terms: 1 }),
    cases: [],
  };
}

Deno.test(
  onGpu("loading WGSL that does not compile throws an error that names its op"),
  async () => {
    const device = await openWebGpu();
    const plan = planOf(opOf("fn main() { nonsense }"), [{ shape: [4], dtype: "f32" }], {});
    await assertRejects(
      () => device.load(plan, device.memory()),
      Error,
      "Cannot make the kernel of broken",
    );
    device.close();
  },
);

Deno.test(onGpu("inErrorScopes() returns the result, and rethrows exceptions"), async () => {
  const adapter = await navigator.gpu.requestAdapter();
  const device = await adapter?.requestDevice();
  assert(device);
  assertEquals(await inErrorScopes(device, "a number", () => 7), 7);
  const thrown = new TypeError("Mine");
  const fail = () => {
    throw thrown;
  };
  await assertRejects(() => inErrorScopes(device, "nothing", fail), TypeError, "Mine");
  const usage = GPUBufferUsage.STORAGE;
  const size = device.limits.maxBufferSize + 4;
  await assertRejects(
    () => inErrorScopes(device, "a buffer", () => device.createBuffer({ size, usage })),
    Error,
    "Cannot make a buffer",
  );
  device.destroy();
});

Deno.test(
  onGpu("two plans that share a kernel run on one device, whichever is loaded again"),
  async () => {
    const device = await openWebGpu({ runtime: Deno.version.deno });
    const plus = formula(1, (x) => add(x as Expr, 1));
    const read = async (n: number) => {
      const memory = device.memory();
      const trace = newTrace();
      const x = trace.source({ shape: [n], dtype: "f32" }, "batch", "x");
      const y = pointwise(plus, [x]);
      const { calls, constants } = trace;
      const program = await device.load(compile({ calls, constants, results: { y } }), memory);
      program.run();
      return [...await memory.read([{ slot: "y", offset: 0, length: n }])];
    };
    assertEquals(await read(3), [1, 1, 1]);
    assertEquals(await read(3), [1, 1, 1]);
    assertEquals(await read(8), new Array(8).fill(1));
    device.close();
  },
);

Deno.test(
  onGpu("passSeconds() grows with the passes if the adapter has timestamp queries"),
  async () => {
    const device = await openWebGpu({ clock: true, runtime: Deno.version.deno });
    const memory = device.memory();
    const program = await device.load(planOfBytes(2 ** 20, { role: "batch", name: "x" }), memory);
    program.run();
    const first = await device.passSeconds();
    program.run();
    const second = await device.passSeconds();
    if (first === undefined || second === undefined) {
      assertEquals([first, second], [undefined, undefined]);
    } else {
      assertGreater(first, 0);
      assertGreater(second, first);
    }
    device.close();
  },
);

Deno.test(onGpu("a device without a clock has no pass times, and resolves `lost`"), async () => {
  const device = await openWebGpu();
  assertEquals(await device.passSeconds(), undefined);
  device.close();
  assertEquals(typeof await device.lost, "string");
});

Deno.test("software drivers are recognised by name", () => {
  const software = [
    "llvmpipe (LLVM 15.0.6, 256 bits)",
    "SwiftShader Device (Subzero)",
    "Microsoft Basic Render Driver",
  ];
  assertEquals(software.map(isSoftware), [true, true, true]);
  const hardware = ["NVIDIA GeForce RTX 4090", "Apple M2", "AMD Radeon RX 7900"];
  assertEquals(hardware.map(isSoftware), [false, false, false]);
});
