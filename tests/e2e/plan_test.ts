/** `plan`, as a user calls it: what it says is what the run then is, and what does not fit is said. */
import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import { runCommand } from "./command.ts";
import { assertOneLine, contents, type Refused } from "./refusals.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import { runPlaceOf } from "../../src/library/run_place.ts";
import { type Ended, Place, ROOT, SMOKE, taskOptions, tinyArgs } from "./support.ts";

function plan(
  place: Place,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return runCommand("plan", args, { cwd: place.path, env });
}

async function reportOf(place: Place, args: readonly string[]) {
  const before = contents(place.path);
  const { code, stdout, stderr } = await plan(place, [...args, "--json"]);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(contents(place.path), before);
  return JSON.parse(stdout);
}

Deno.test("plan says what the run then is", async (t) => {
  using place = new Place();
  const args = tinyArgs("run", "--workers=2");
  const report = await reportOf(place, args);
  await place.succeed(args);
  const summary = place.json("run/summary.json");

  await t.step("parameters and tokens are the run's", () => {
    assertEquals(report.parameters.all, summary["params"]);
    assertEquals(report.extent.tokens, summary["tokens"]);
    assertEquals(report.flops[0].run, 6 * report.parameters.all * report.extent.tokens);
    assertEquals([report.workers, report.memory_of_all_workers], [2, 2 * report.memory.total]);
    // Two workers send a gradient's bytes each: half of their roots, and a half of the sum.
    const { bytes, gradient_bytes, way } = report.exchange;
    assertEquals([bytes, way], [gradient_bytes, "file"]);
    assertEquals(report.extent.texts[0].name, "text.txt");
  });
  await t.step("the adapter is asked, and a few steps are timed", () => {
    assert(report.adapter.binding_bytes >= 2 ** 27 && report.adapter.buffer_bytes >= 2 ** 27);
    const { speed } = report;
    assertEquals(speed.micro_batches, 12);
    const seconds = 4 * speed.micro_batch_seconds + speed.update_seconds;
    assertAlmostEquals(speed.one_worker_tokens_per_s, 256 / seconds, 1e-6);
    assertAlmostEquals(speed.hours * 3600, 6 * speed.step_seconds, 1e-6);
    // Two workers are timed at the same time, not reckoned from one.
    const gain = (seconds / speed.step_seconds).toPrecision(2);
    assertEquals(speed.how.split(";")[0], `timed side by side, ${gain} times as fast as one`);
  });
  await t.step("people get tables", async () => {
    const { code, stdout } = await plan(place, [...args, "--probe", "0"]);
    assertEquals(code, 0);
    assertMatch(stdout, /^ {2}all +[\d,]+ +every trainable element/m);
    assertMatch(stdout, /^ {2}6N \+ 6LCT +\S+ +\S+ +all parameters, the causal half/m);
    assertMatch(stdout, /^ {2}the run +1,536 +6 steps, /m);
    assertMatch(stdout, /^note: /m);
    assertEquals(/^time$/m.test(stdout), false);
  });
});

Deno.test("plan reckons with the workers that train would take", async () => {
  using place = new Place();
  const config = resolveConfig({ micro_batches: 4 });
  const here = await runPlaceOf({ config, saysWorkers: false }, () => {});
  // Tests pin an adapter; a user's shell does not.
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...taskOptions(undefined, "plan"),
      ROOT + "src/cli/plan/plan.ts",
      SMOKE,
      "--data=text.txt",
      "--probe=0",
      "--json",
    ],
    cwd: place.path,
    env: { XDG_RUNTIME_DIR: place.path },
    stdin: "null",
  });
  const { code, stdout } = await child.output();
  assertEquals(code, 0);
  const { workers } = JSON.parse(new TextDecoder().decode(stdout));
  assertEquals(workers, here.workers);
});

Deno.test("plan tells the most windows that fit, and what to lower where they do not", async (t) => {
  using place = new Place();
  const args = [SMOKE, "--data=text.txt", "--probe=0", "--device=reference", "--workers=4"];
  const memory = "--memory=0.02";
  const { micro_batch_size: windows, memory_limit } = await reportOf(place, [...args, memory]);
  assertEquals(memory_limit, 0.02 * 2 ** 30);
  assertEquals([windows.config, windows.by_adapter], [4, null]);

  await t.step("so many fit", async () => {
    const report = await reportOf(place, [
      ...args,
      memory,
      `--micro_batch_size=${windows.by_memory}`,
    ]);
    assertEquals(report.micro_batch_size.by_memory, windows.by_memory);
    assert(report.memory_of_all_workers <= memory_limit);
  });
  await t.step("one more does not: exit 72, one line, and the report all the same", async () => {
    const more = `--micro_batch_size=${windows.by_memory + 1}`;
    const ended = await plan(place, [...args, memory, more, "--json"]);
    assertOneLine(ended, {
      exit: "tooLarge",
      says: [
        "Cannot fit smoke: 4 workers take",
        "lower micro_batch_size or data.seq_len, or workers",
      ],
    });
    const report = JSON.parse(ended.stdout);
    assertEquals([report.faults.length, report.speed], [1, null]);
    assert(report.memory_of_all_workers > memory_limit);
  });
  await t.step("a binding that the adapter does not allow", async () => {
    const ended = await plan(place, [SMOKE, "--data=text.txt", "--model.width=65536"]);
    assertOneLine(ended, { exit: "tooLarge", says: ["the largest binding", "lower model.width"] });
    assertMatch(ended.stdout, /^does not fit: the largest binding /m);
  });
});

Deno.test("plan without an adapter says so and is no failure", async (t) => {
  using place = new Place();
  const args = [SMOKE, "--data=text.txt", "--json"];
  await t.step("there is none", async () => {
    const none = place.of("no_driver.json");
    // OpenGL's adapter, which may be there, is not taken.
    const { code, stdout } = await plan(place, [...args, "--device=webgpu"], {
      VK_ICD_FILENAMES: none,
      VK_DRIVER_FILES: none,
    });
    assertEquals(code, 0);
    const { adapter, speed, micro_batch_size: windows, notes } = JSON.parse(stdout);
    assertEquals([adapter, speed, windows.by_adapter], [null, null, null]);
    assert(notes.some((note: string) => note.startsWith("there is no adapter")), notes.join());
  });
  await t.step("the reference has no limits but the machine's memory", async () => {
    const { adapter, speed, memory_limit } = await reportOf(place, [
      ...args.slice(0, 2),
      "--device=reference",
      "--micro_batch_size=1",
      "--probe=1",
    ]);
    assertEquals([adapter.binding_bytes, adapter.buffer_bytes], [null, null]);
    assert(memory_limit > 2 ** 28 && speed.tokens_per_s > 0);
  });
});

Deno.test("plan takes a source that makes its own tokens, and a model to begin with", async (t) => {
  using place = new Place();
  await t.step("recall", async () => {
    const { vocabulary, extent, text_bytes } = await reportOf(place, [
      SMOKE,
      "--data.source=recall",
      "--probe=0",
    ]);
    assert(vocabulary > 2);
    assertEquals([extent.texts, text_bytes], [[], 0]);
  });
  await t.step("--init", async () => {
    await place.succeed(tinyArgs("run", "--steps=1", "--checkpoint.every=1"));
    const args = ["--init=run", "--data=text.txt", "--probe=0", "--steps=10"];
    const { parameters } = await reportOf(place, args);
    assertEquals(parameters.all, place.json("run/summary.json")["params"]);
  });
});

Deno.test("plan foretells the loss by a law, with its interval", async () => {
  using place = new Place();
  const law = { E: 1.5, A: 400, B: 400, alpha: 0.5, beta: 0.5 };
  const estimates = Object.fromEntries(
    Object.entries(law).map(([name, value]) => [name, { value, low: null, high: null }]),
  );
  const scaling = {
    format: "shoal scaling 1",
    source: { params: "no_embedding", loss: "val" },
    chinchilla: { estimates, quality: { leave_one_out_rms: 0.02 } },
    range: { params: [100, 1000], tokens: [1e3, 1e6] },
    draws: [Object.values(law)],
  };
  place.write("scaling.json", JSON.stringify(scaling));
  Deno.mkdirSync(place.of("sweep"));
  place.write("sweep/scaling.json", JSON.stringify(scaling));
  const args = [SMOKE, "--data=text.txt", "--probe=0", "--scaling=scaling.json"];
  const { parameters, extent, prediction } = await reportOf(place, args);
  const { loss, low, high, params } = prediction;
  assertEquals(params, parameters.no_embedding);
  assertAlmostEquals(loss, 1.5 + 400 / Math.sqrt(params) + 400 / Math.sqrt(extent.tokens), 1e-9);
  assert(low < loss && loss < high);
  const folder = [...args.slice(0, -1), "--scaling=sweep"];
  assertEquals((await reportOf(place, folder)).prediction, prediction);
  const { stdout } = await plan(place, args);
  assertMatch(stdout, /times the largest trial/);
  assertMatch(stdout, new RegExp(`^ {2}predicted +${loss.toFixed(4)} +${low.toFixed(4)} to `, "m"));
});

Deno.test("plan refuses in one line what it cannot read", async (t) => {
  using place = new Place();
  Deno.mkdirSync(place.of("unfitted"));
  place.write("unfitted/trials.jsonl", "");
  const refusals: Record<string, Refused> = {
    "an unknown key": { args: [SMOKE, "--optim.lrr=1"], exit: "config", says: ["optim.lr"] },
    "no memory": { args: [SMOKE, "--memory=0"], exit: "config", says: ["--memory", "> 0"] },
    "memory without a value": { args: [SMOKE, "--memory"], exit: "config", says: ["--memory"] },
    "a probe of parts": { args: [SMOKE, "--probe=1.5"], exit: "config", says: ["--probe"] },
    "no text": { args: [SMOKE, "--data=none.txt"], exit: "noInput", says: ["none.txt"] },
    "no law": { args: [SMOKE, "--scaling=none"], exit: "noInput", says: ["none"] },
    "a sweep without laws": {
      args: [SMOKE, "--scaling=unfitted"],
      exit: "noInput",
      says: ["run deno task scaling unfitted first"],
    },
    "a law that is none": { args: [SMOKE, "--scaling=text.txt"], exit: "data", says: ["no JSON"] },
    "a run to resume": { args: ["--resume=run"], exit: "config", says: ["need a config alone"] },
    "too many workers": { args: [SMOKE, "--workers=9"], exit: "config", says: ["micro_batches"] },
  };
  for (const [name, { args, ...refused }] of Object.entries(refusals)) {
    await t.step(name, async () => {
      const before = contents(place.path);
      assertOneLine(await plan(place, args), refused);
      assertEquals(contents(place.path), before);
    });
  }
});
