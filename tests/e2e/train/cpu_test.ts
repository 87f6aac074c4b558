/**
 * Runs on the CPU device, with real processes: no adapter, one state whatever the workers and
 * whatever dies, and for each shipped config the same state on every computer that fuses.
 */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { machineFuses } from "../../../src/wasm/fuses.ts";
import { onGpu } from "../../support/gpu.ts";
import { Place, ROOT, SMOKE, taskWords, tinyArgs } from "../support.ts";

/** State after three steps, for the class `wasm`. */
const STATES: Readonly<Record<string, string>> = {
  smoke: "933fd4a3334d83ff991d12ee05f2732ab0ea06056774cfbae78c317e09e11342",
  gpt_char: "3836d8ce307f00445cabe3ff9862d0ddca6f715b7a3f6588aed6f7eded7585bd",
  lstm_char: "78b3e06b48b9f12583b114711423d0aa5cda79fd226f0ce93078b9771c581afc",
  gru_char: "605f78f148034cce3f1460532040d27f93a307ac68c5134bcef5eddd71c2d109",
  rnn_char: "7ca66346560748c291402d29769e4d419e4194fbfd6f3cf6ec33fc524d083b24",
  llama_char: "e568d70983ef3e5ba71e72c34879abff2dfdf64fc4cb4686fe41edfd2854d68a",
  g2p: "75ed2184cef983d6ca234bd6f0b4a55ed9fbd5fca063aa2eab48410ada46d240",
  moe_char: "7e8d6326ee41e0a819d2870fb70e9332b9c10d62b0e883e96398d28270a08853",
  masked_char: "c8970bc4f7101bc3c8cacb4d3e2b6ce0b7af70976afaac7bf5dae2c8d34bd47c",
  bilstm_tags: "36a624821a889ed6c61a2e2578fa03edc31fb207cb1a2bf84d1b90d94d35df25",
  lstm_classify: "c44ce39daba63efd51af784fefdf78b1f78c15f57a997c8034b84daa81d3571a",
  char_cnn: "ba8594bc8c4213911ce62a417aae68d807946a7bbd819118a305f3013a5c3d08",
  lenet_digits: "6d0a3b6375c31e2f529d6a97b13905d77b6486754a2835ecc78d3161ffdb648c",
};

/** No adapter can be opened: a driver that does not exist, and no other. */
const NO_DRIVER = { VK_DRIVER_FILES: "/dev/null", DENO_WEBGPU_BACKEND: "vulkan" } as const;

Deno.test("a shipped config has one state on the CPU device of every computer that fuses", async (t) => {
  if (!machineFuses()) throw new Error("Cannot compare states: this machine does not fuse");
  for (const [name, state] of Object.entries(STATES)) {
    await t.step(name, async () => {
      using place = new Place();
      const quiet = ["--eval.every=0", "--checkpoint.every=0", "--report.sample_length=0"];
      const args = [
        `${ROOT}configs/${name}.ts`,
        "--device=cpu",
        "--steps=3",
        "--out=run",
        ...quiet,
      ];
      const { code, stderr } = await place.run(args, NO_DRIVER);
      assertEquals([code, stderr], [0, ""]);
      assertEquals(place.stateHash("run"), state);
    });
  }
});

/** Arguments of a run that is long enough to be disturbed. */
const long = (out: string, workers: number) =>
  tinyArgs(out, "--device=cpu", `--workers=${workers}`, "--steps=300", "--checkpoint.every=50");

Deno.test("on the CPU device neither workers, a kill, nor a resume changes a bit", async (t) => {
  using place = new Place();
  await place.succeed(long("one", 1));
  const straight = place.stateHash("one");
  for (const workers of [2, 4]) {
    await t.step(`${workers} workers`, async () => {
      await place.succeed(long(`by${workers}`, workers));
      assertEquals(place.stateHash(`by${workers}`), straight);
    });
  }
  await t.step(
    "with the bounds checks of WebAssembly, which the manifest tells by the mode",
    async () => {
      const manifest = `checkpoints/step-00000300/manifest.json`;
      const modeIn = (run: string) => place.json(`${run}/${manifest}`)["adapterInfo"];
      await place.succeed([...long("checked", 2), "--device.checks=true"]);
      assertEquals(place.stateHash("checked"), straight);
      assertEquals(modeIn("checked"), { mode: "128 bits at a time" });
      assertEquals(modeIn("one"), { mode: "256 bits at a time" });
    },
  );
  await t.step("2 workers, of which one is killed", async () => {
    const running = place.start(long("killed", 2));
    await running.line(/^step {2}60\/300/);
    const worker = place.processes().find((pid) => pid !== running.pid);
    Deno.kill(worker ?? NaN, "SIGKILL");
    const { code, stdout, stderr } = await running.ended;
    assertEquals(code, 0, stderr);
    assertMatch(stdout + stderr, /SIGKILL/);
    assertEquals(place.stateHash("killed"), straight);
  });
  await t.step("stopped by a signal, and resumed with another number of workers", async () => {
    const running = place.start(long("stopped", 2));
    await running.line(/^step 120\/300/);
    running.kill("SIGTERM");
    assertEquals((await running.ended).code, 0);
    await place.succeed(["--resume=stopped", "--workers=1"]);
    assertEquals(place.stateHash("stopped"), straight);
  });
  await t.step({
    ...onGpu("resumed on WebGPU, a run says that its bits differ"),
    fn: async () => {
      const { stdout } = await place.succeed(["--resume=one", "--device=webgpu", "--steps=301"]);
      assertStringIncludes(stdout, "wasm");
    },
  });
});

Deno.test("commands compute on the CPU device without a driver", async () => {
  using place = new Place();
  const run = async (task: string, ...args: string[]) => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [...taskWords(task), ...args],
      cwd: place.path,
      env: { NO_COLOR: "1", ...NO_DRIVER },
    }).output();
    const decoder = new TextDecoder();
    assertEquals(code, 0, `${task}: ${decoder.decode(stderr)}`);
    return decoder.decode(stdout);
  };
  await run("train", ...tinyArgs("run", "--device=cpu"));
  const text = await run("generate", "run", "--device=cpu", "--tokens=20", "--prompt=a");
  assertEquals(
    await run("generate", "run", "--device=reference", "--tokens=20", "--prompt=a"),
    text,
  );
  assertMatch(await run("eval", "run", "--device=cpu"), /perplexity/);
  assertMatch(await run("plan", SMOKE, "--device=cpu"), /step/);
});
