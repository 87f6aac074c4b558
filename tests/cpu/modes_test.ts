/**
 * Holds the bits of the CPU device to be the same with and without bounds checks, V8's revectorizer,
 * its baseline compiler, and for both sets of register tiles.
 */
import { assert, assertEquals } from "@std/assert";
import { ROOT } from "../e2e/support.ts";
import { CPU_CASES } from "./outputs.ts";

const OPTIMIZED = "--no-liftoff";

async function hashes(flags: string): Promise<Record<string, string>> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-q",
      "--no-prompt",
      "-P=tests",
      `--v8-flags=${flags}`,
      "tests/cpu/modes_child.ts",
    ],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("the CPU device computes the same bits under all flags of V8", async () => {
  const whole = await hashes(OPTIMIZED);
  assertEquals(Object.keys(whole).length, CPU_CASES.length);
  assert(!Object.values(whole).some((hash) => hash.endsWith("differs by pairs")));
  for (
    const flags of [
      "--liftoff-only",
      `${OPTIMIZED},--no-wasm-bounds-checks`,
      `${OPTIMIZED},--experimental-wasm-revectorize`,
      `${OPTIMIZED},--experimental-wasm-revectorize,--no-wasm-bounds-checks`,
    ]
  ) {
    assertEquals(await hashes(flags), whole, flags);
  }
});
