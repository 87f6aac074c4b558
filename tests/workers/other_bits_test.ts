/** What a resumed run is told of the bits it may lose. */
import { assertEquals } from "@std/assert";
import { kernelClass } from "../../src/graph/target.ts";
import type { Target } from "../../src/graph/types.ts";
import { otherBits } from "../../workers/other_bits.ts";

const CPU: Target = { kind: "cpu", workgroupBytes: 32768, invocations: 1024, groups: 65535 };

Deno.test("a class of devices is named by its kind and what its kernels must fit", () => {
  assertEquals(kernelClass(CPU), "cpu");
  assertEquals(kernelClass({ ...CPU, lanes: 8 }), "cpu, subgroups of 8");
  const gpu = "gpu, workgroups of 1024 and 32768 bytes";
  assertEquals(kernelClass({ ...CPU, kind: "gpu", lanes: 32 }), gpu);
});

Deno.test("a run is told that another adapter or another class computed its checkpoint", () => {
  const run = { adapter: "llvmpipe", kernels: "cpu, subgroups of 8" };
  assertEquals(otherBits(run, run), undefined);
  assertEquals(
    otherBits({ adapter: "a card", kernels: "gpu" }, run),
    "The checkpoint was computed on a card, this run on llvmpipe: its numbers may differ in the " +
      "last bits",
  );
  assertEquals(
    otherBits({ ...run, kernels: "cpu" }, run),
    "The checkpoint was computed by kernels for cpu, this run by those for cpu, subgroups of 8: " +
      "its numbers may differ in the last bits",
  );
});

Deno.test("a checkpoint from before adapters told their API resumes on Vulkan without a word, on OpenGL with one", () => {
  const run = { adapter: "llvmpipe via Vulkan", kernels: "cpu" };
  assertEquals(otherBits({ ...run, adapter: "llvmpipe" }, run), undefined);
  assertEquals(
    otherBits({ ...run, adapter: "llvmpipe" }, { ...run, adapter: "llvmpipe via OpenGL" }),
    "The checkpoint was computed on llvmpipe, this run on llvmpipe via OpenGL: its numbers may " +
      "differ in the last bits",
  );
  assertEquals(
    otherBits({ ...run, adapter: "llvmpipe via OpenGL" }, run),
    "The checkpoint was computed on llvmpipe via OpenGL, this run on llvmpipe via Vulkan: its " +
      "numbers may differ in the last bits",
  );
});

Deno.test("a checkpoint that does not say its class is taken as it is", () => {
  const run = { adapter: "llvmpipe", kernels: "cpu" };
  assertEquals(otherBits({ ...run, kernels: "" }, run), undefined);
});
