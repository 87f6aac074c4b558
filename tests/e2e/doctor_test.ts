/** The command `doctor` on this machine, and on what it becomes by a few variables. */
import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { EXIT } from "../../src/base/user_error.ts";
import { namesIn, Place } from "./support.ts";
import { runCommand } from "./command.ts";
import { isSoftware } from "../../src/device/adapter.ts";
import { onGpu } from "../support/gpu.ts";

Deno.test("doctor tells what this machine is, as one JSON object and as lines, and ends with 0", async (t) => {
  using place = new Place();
  const env = { TMPDIR: place.of("tmp") };
  const { code, stdout, stderr, ms } = await runCommand("doctor", ["--json"], {
    cwd: place.path,
    env,
  });
  assertEquals([code, stderr], [0, ""]);
  assert(ms < 30_000, `${ms} ms`);
  const { facts, findings, exit } = JSON.parse(stdout);
  assertEquals(exit, 0);
  assert(findings.every(({ level }: { level: string }) => level !== "error"), stdout);
  await t.step({
    ...onGpu("its adapter"),
    fn() {
      const { name, features, limits, numerics, bandwidths } = facts.adapter.value;
      assertEquals(facts.run.value.device, isSoftware(name) ? "cpu" : "webgpu");
      assertMatch(name, / via (Vulkan|Metal)$/);
      assertEquals(Object.keys(features).length, 6);
      assertGreater(limits.maxBufferSize, 2 ** 27);
      assertEquals(numerics.keepsNaN, true);
      for (const rate of Object.values(bandwidths)) assertGreater(rate, 1e6);
    },
  });
  assertGreater(facts.socket.value.bytesPerSecond, 1e6);
  assertGreater(facts.shared.file.value.bytesPerSecond, 1e6);
  assertGreater(facts.shared.mapped.value.bytesPerSecond, 1e6);
  assertGreater(facts.disk.value.freeBytes, 0);
  assertEquals(facts.missing, []);
  // The folder that a run would make is not made, and nothing is left.
  assertEquals(namesIn(place.path), ["text.txt", "tmp"]);
  assertEquals(namesIn(place.of("tmp")), []);
});

Deno.test("doctor ends as a run would where there is no adapter and no folder, and says what mends it", async (t) => {
  using place = new Place();
  const doctor = (env: Record<string, string>, ...args: string[]) =>
    runCommand("doctor", args, { cwd: place.path, env: { TMPDIR: place.of("tmp"), ...env } });
  await t.step("no adapter", async () => {
    const none = place.of("none.json");
    const { code, stdout } = await doctor({ VK_DRIVER_FILES: none, VK_ICD_FILENAMES: none });
    assertEquals(code, EXIT.done);
    assertMatch(stdout, /^ {2}--device=auto +the CPU: no GPU was found/m);
    assertMatch(stdout, /^note: There is no WebGPU adapter.*Runs compute on the CPU$/m);
  });
  await t.step("a TMPDIR that no socket fits in is no obstacle", async () => {
    const far = place.of("a".repeat(100));
    Deno.mkdirSync(far);
    const { code, stdout } = await doctor({ TMPDIR: far });
    assertEquals(code, EXIT.done, stdout);
  });
  await t.step("no folder", async () => {
    for (const out of ["text.txt", "text.txt/runs"]) {
      const { code, stdout } = await doctor({}, `--out=${out}`);
      assertEquals(code, EXIT.config);
      assertMatch(stdout, /^error: Nothing can be saved: .*text\.txt is a file/m);
    }
  });
});
