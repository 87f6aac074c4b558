/** What `auto` is, on machines that are not at hand and on this one. */
import { assertEquals } from "@std/assert";
import { isTaken } from "../../../src/device/adapter.ts";
import { chooseDevice } from "../../../workers/launch/choose_device.ts";
import { environment } from "../../support/swiftshader.ts";

Deno.test("auto takes the adapter of a GPU, and no software driver and no OpenGL unasked", () => {
  const taken = (name: string | undefined) => isTaken(name, "vulkan");
  assertEquals(taken("NVIDIA H200"), true);
  assertEquals(taken("Intel(R) Arc(tm) A770 Graphics (DG2)"), true);
  assertEquals(isTaken("Apple M4 Max", "metal"), true);
  assertEquals(taken("llvmpipe (LLVM 15.0.6, 256 bits)"), false);
  assertEquals(taken("SwiftShader Device (LLVM 16.0.0)"), false);
  assertEquals(isTaken("Microsoft Basic Render Driver", "dx12"), false);
  assertEquals(taken(undefined), false);
  assertEquals(isTaken("llvmpipe (LLVM 15.0.6, 256 bits)", "gl"), true);
});

Deno.test("a run computes where it says; cards and OpenGL's variable ask for WebGPU", async () => {
  const choose = (kind: "auto" | "cpu" | "webgpu" | "reference", gpus: string | null = null) =>
    chooseDevice({ device: { kind, checks: true }, gpus }, () => {});
  for (const kind of ["cpu", "webgpu", "reference"] as const) {
    assertEquals(await choose(kind), { kind, checks: true });
  }
  assertEquals(await choose("auto", "0"), { kind: "webgpu", checks: false });
  {
    using _gl = environment({ DENO_WEBGPU_BACKEND: "gl" });
    assertEquals(await choose("auto"), { kind: "webgpu", checks: false });
  }
  // A Vulkan loader without drivers has no adapter.
  using _none = environment({ VK_DRIVER_FILES: "/none.json", VK_ICD_FILENAMES: "/none.json" });
  assertEquals(await choose("auto"), { kind: "cpu", checks: true });
});
