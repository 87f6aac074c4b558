/** Prints the hash of each case's outputs on the CPU device, under the flags of V8 of this process. */
import { bytesOf, sha256 } from "../../src/base/hash.ts";
import { openCpu } from "../../src/device/cpu.ts";
import { CPU_CASES, outputsOf } from "./outputs.ts";

/** All NaN are one: their bits may differ between compilers. */
function canonical(values: Float32Array): Float32Array {
  return values.map((value) => Number.isNaN(value) ? NaN : value);
}

const hashes: Record<string, string> = {};
for (const pairs of [false, true]) {
  const device = openCpu({ pairs });
  for (const [i, tried] of CPU_CASES.entries()) {
    const outputs = await outputsOf(device, tried);
    const hash = outputs.map((output) => sha256(bytesOf(canonical(output)))).join(" ");
    const key = `${i} ${tried.name}`;
    if (hashes[key] !== undefined && hashes[key] !== hash) hashes[key] += " differs by pairs";
    else hashes[key] = hash;
  }
}
console.log(JSON.stringify(hashes));
