/** Runs on WebGPU, with real processes: one state whatever the workers, a kill or a resume. */
import { assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import { onGpu } from "../../support/gpu.ts";
import { runCommand } from "../command.ts";
import { Place, SAMPLES, tinyArgs } from "../support.ts";

const ON_GPU = "--device=webgpu";

Deno.test(onGpu("on WebGPU neither workers, a kill, nor a resume changes a bit"), async (t) => {
  using place = new Place();
  await place.succeed(tinyArgs("one", ON_GPU, SAMPLES));
  const straight = place.stateHash("one");
  assertMatch(String(place.json("one/summary.json")["adapter"]), / via /);
  await t.step("4 workers", async () => {
    await place.succeed(tinyArgs("four", ON_GPU, "--workers=4"));
    assertEquals(place.stateHash("four"), straight);
  });
  await t.step("2 workers, of which one is killed in a step", async () => {
    const kill = { at: { step: 3, rank: 1, point: "forward" }, do: "sigkill" };
    place.write("plan.json", JSON.stringify([kill]));
    const faults = ["--testing", `--faults=${place.of("plan.json")}`];
    const { code, stdout, stderr } = await place.run(
      tinyArgs("killed", ON_GPU, "--workers=2", ...faults),
    );
    assertEquals(code, 0, stderr);
    assertMatch(stdout + stderr, /SIGKILL/);
    assertEquals(place.stateHash("killed"), straight);
    place.assertQuiet();
  });
  await t.step("stopped at half, and resumed with another number of workers", async () => {
    await place.succeed(tinyArgs("half", ON_GPU, "--steps=3", "--workers=2"));
    await place.succeed(["--resume=half", "--workers=1", "--steps=6"]);
    assertEquals(place.stateHash("half"), straight);
  });
  await t.step("resumed on the CPU device, a run says that its bits differ", async () => {
    const { stdout } = await place.succeed(["--resume=one", "--device=cpu", "--steps=7"]);
    assertMatch(stdout, /wasm/);
  });
});

Deno.test(
  onGpu("on WebGPU generate draws one text, and eval has the loss of other devices"),
  async () => {
    using place = new Place();
    await place.succeed(tinyArgs("run", ON_GPU));
    const run = async (task: string, ...args: string[]) => {
      const { code, stdout, stderr } = await runCommand(task, ["run", ...args], {
        cwd: place.path,
      });
      assertEquals([code, stderr], [0, ""]);
      return stdout;
    };
    const drawn = (...args: string[]) => run("generate", "--prompt=a", "--tokens=20", ...args);
    const text = await drawn(ON_GPU);
    assertEquals(await drawn(ON_GPU), text);
    assertEquals(
      await drawn(ON_GPU, "--temperature=0"),
      await drawn("--temperature=0", "--device=reference"),
    );
    const loss = async (device: string) =>
      JSON.parse(await run("eval", `--device=${device}`, "--json")).all.loss;
    assertAlmostEquals(await loss("webgpu"), await loss("reference"), 1e-4);
  },
);
