/** Runs the contract suite on every device. */
import { assertEquals } from "@std/assert";
import { openCpu } from "../../src/device/cpu.ts";
import { ArrayMemory, openReference } from "../../src/device/reference.ts";
import { openWebGpu } from "../../src/device/webgpu.ts";
import { deviceContract } from "./contract.ts";

const openGpu = () => openWebGpu({ runtime: Deno.version.deno });
const DEVICES = {
  "reference": () => Promise.resolve(openReference()),
  "reference in f64": () => Promise.resolve(openReference({ precision: "f64" })),
  "CPU device": () => Promise.resolve(openCpu()),
  "WebGPU": openGpu,
  "WebGPU without early mapping": () => openWebGpu(),
};

for (const [name, open] of Object.entries(DEVICES)) {
  const kind = name.split(" ")[0];
  const others = Object.entries(DEVICES).filter(([other]) => other.split(" ")[0] !== kind);
  deviceContract(name, open, Object.fromEntries(others));
}

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
