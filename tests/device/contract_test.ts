/** Runs the contract suite on every device. */
import { assertEquals } from "@std/assert";
import { openCpu } from "../../src/device/cpu.ts";
import { ArrayMemory, openReference } from "../../src/device/reference.ts";
import { openWebGpu } from "../../src/device/webgpu.ts";
import { deviceContract } from "./contract.ts";

const openGpu = () => openWebGpu({ runtime: Deno.version.deno });
const referenceMemory = () => Promise.resolve(openReference().memory());
const gpuMemory = async () => (await openGpu()).memory();

deviceContract("reference", () => Promise.resolve(openReference()), gpuMemory);
deviceContract(
  "reference in f64",
  () => Promise.resolve(openReference({ precision: "f64" })),
  gpuMemory,
);
deviceContract("cpu", () => Promise.resolve(openCpu()), referenceMemory);
deviceContract("WebGPU", openGpu, referenceMemory);
deviceContract("WebGPU without early mapping", () => openWebGpu(), referenceMemory);

Deno.test("the f64 reference device stores f64, and rounds to f32 only on read", async () => {
  const third = 1 / 3;
  for (const [precision, held] of [["f64", third], ["f32", Math.fround(third)]] as const) {
    const memory = openReference({ precision }).memory();
    if (!(memory instanceof ArrayMemory)) throw new TypeError("The reference has arrays");
    memory.ensure("a", 1);
    memory.floats("a")[0] = third;
    assertEquals(memory.floats("a")[0], held);
    assertEquals((await memory.read([{ slot: "a", offset: 0, length: 1 }]))[0], Math.fround(third));
  }
});
