/** Holds the plans of the shipped configs to kernels of the CPU device: none runs a reference. */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../src/config/load.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import { openCpu } from "../../src/device/cpu.ts";
import { holdingsOf } from "../../src/engine/holdings.ts";

const DIR = new URL("../../configs/", import.meta.url);
/** Characters of a small text. */
const VOCABULARY = 80;

const files = Array.from(Deno.readDirSync(DIR)).filter(({ isFile }) => isFile)
  .map(({ name }) => name).sort();

for (const file of files) {
  Deno.test(`${file}: all its plans are WebAssembly`, async () => {
    const config = resolveConfig(await loadConfig(fileURLToPath(new URL(file, DIR))));
    const { plans } = holdingsOf(config, VOCABULARY);
    const calls = plans.flatMap(({ plan }) => plan.calls);
    const slow = new Set(calls.filter(({ op }) => op.wasm === undefined).map(({ op }) => op.name));
    assertEquals(Array.from(slow), []);
    // A kernel that does not prove its accesses to be in bounds throws here.
    const device = openCpu();
    for (const { plan } of plans) await device.load(plan, device.memory());
  });
}
