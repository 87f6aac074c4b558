/** `sweep`, as a user calls it: what it leaves, what it survives, and what it refuses. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { EXIT } from "../../src/base/user_error.ts";
import { contents } from "./refusals.ts";
import { Place } from "./support.ts";
import {
  disturbed,
  ends,
  entries,
  rows,
  runSweep,
  startSweep,
  states,
  sweepFile,
  TINY,
  TRUNKS,
} from "./sweep.ts";

/** A config file for `train` of a trial, and the same run alone. */
async function alone(place: Place, config: string, more: readonly string[]): Promise<unknown> {
  const out = `alone${more.join("")}`;
  await place.succeed([config, `--out=${out}`, ...more]);
  return place.stateHash(out);
}

Deno.test("a sweep trains its trials, and a branch ends as the run alone does", async (t) => {
  using place = new Place();
  const file = sweepFile(place, TRUNKS);
  const { code, stdout, stderr } = await runSweep(place, [file, "--out=s", "--parallel=2"]);
  assertEquals([code, stderr], [0, ""]);
  place.assertQuiet();
  const found = rows(place, "s");

  await t.step("each trial has a row, in the order of the axes", () => {
    assertEquals(found.map(({ name, status, steps }) => [name, status, steps]), [
      ["lr=0.001 tokens=640", "done", 20],
      ["lr=0.001 tokens=1280", "done", 40],
      ["lr=0.01 tokens=640", "done", 20],
      ["lr=0.01 tokens=1280", "done", 40],
    ]);
    assertEquals(found.map(({ trunk }) => trunk?.step ?? null), [16, null, 16, null]);
    assert(found.every(({ val_loss }) => val_loss > 0));
    assertEquals(new Set(found.map(({ state_hash }) => state_hash)).size, 4);
    const csv = Deno.readTextFileSync(place.of("s/trials.csv"));
    assertEquals(csv.split("\n").length, 6);
    assertMatch(stdout, /^lr=0.001 tokens=640 +1\.\d+k +640 +\S+ +\S+ +\d+ s {2}done$/m);
  });
  await t.step("its folder is an ordinary run with the whole way in it", async () => {
    const branch = found[0] as typeof found[0] & object;
    const folder = `s/trials/${branch.key}`;
    const config = `${folder}/config.json`;
    for (const workers of [1, 2]) {
      const hash = await alone(place, config, [`--workers=${workers}`]);
      assertEquals(hash, branch.state_hash);
    }
    const lines = (name: string) =>
      Deno.readTextFileSync(place.of(name)).replaceAll(/,"tokens_per_s":[\d.]+/g, "");
    assertEquals(lines(`${folder}/metrics.jsonl`), lines("alone--workers=1/metrics.jsonl"));
    await place.succeed([`--resume=${folder}`, "--steps=22"]);
  });
  await t.step("the journal says what was decided", () => {
    const journal = entries(place, "s");
    assertEquals(journal.map(({ seq }) => seq), journal.map((_, i) => i));
    assertEquals(journal.filter(({ kind }) => kind === "branched").length, 2);
    const starts = journal.filter(({ kind }) => kind === "start");
    assertEquals(starts.map(({ from }) => from).sort(), [0, 0, 16, 16]);
    assert(starts.every(({ reason }) => typeof reason === "string"));
  });
});

Deno.test("a sweep of recurrent networks shares trunks as well, with the states they carry", async () => {
  using place = new Place();
  const base = {
    ...TRUNKS.base,
    model: { kind: "recurrent", cell: "lstm", layers: 1, width: 8 },
    data: { ...TRUNKS.base.data, bptt: 8 },
  };
  const file = sweepFile(place, { ...TRUNKS, base, axes: {} });
  const { code, stderr } = await runSweep(place, [file, "--out=s"]);
  assertEquals([code, stderr], [0, ""]);
  const [branch] = rows(place, "s");
  assertEquals(branch?.trunk?.step, 16);
  const config = `s/trials/${branch?.key}/config.json`;
  for (const workers of ["--workers=1", "--workers=2"]) {
    assertEquals(await alone(place, config, [workers]), branch?.state_hash);
  }
});

Deno.test("a sweep that is killed goes on to the same trials, none of them twice", async (t) => {
  using place = new Place();
  const file = sweepFile(place, TRUNKS);
  const args = [file, "--parallel=2"];
  assertEquals((await runSweep(place, [...args, "--out=calm"])).code, 0);

  await t.step("whatever the signal, and wherever it strikes", async () => {
    const random = (least: number, most: number) => least + (most - least) * Math.random();
    const blows = (["SIGKILL", "SIGTERM", "SIGKILL"] as const).map((signal) => ({
      ms: random(500, 5000),
      signal,
    }));
    await disturbed(place, [...args, "--out=storm"], blows);
    const told = JSON.stringify(blows);
    assertEquals(states(place, "storm"), states(place, "calm"), told);
    assertEquals(ends(place, "storm"), ends(place, "calm"), told);
    place.assertQuiet();
  });
  await t.step("a finished one is not run again", async () => {
    const { code, stdout } = await runSweep(place, [...args, "--out=calm"]);
    assertEquals(code, 0);
    assertStringIncludes(stdout, "4 done before, 0 to do");
    assertEquals(ends(place, "calm").length, 4);
  });
  await t.step(
    "with another value only what is new is run, off the trunks that are there",
    async () => {
      const more = sweepFile(place, { ...TRUNKS, budgets: [640, 960, 1280] }, "more.json");
      const { code, stdout } = await runSweep(place, [more, "--out=calm", "--parallel=2"]);
      assertEquals(code, 0);
      assertStringIncludes(stdout, "4 done before, 2 to do");
      const found = rows(place, "calm");
      assertEquals(found.length, 6);
      // The trunk kept steps 16 and 32; the new branch begins at 24 or before.
      assertEquals(found.map(({ trunk }) => trunk?.step ?? null), [16, 16, null, 16, 16, null]);
      const added = found.find(({ steps }) => steps === 30);
      const config = `calm/trials/${added?.key}/config.json`;
      assertEquals(await alone(place, config, []), added?.state_hash);
    },
  );
  await t.step("a file without some of its trials is refused, with the differences", async () => {
    const other = sweepFile(place, { ...TRUNKS, axes: { "optim.lr": [1e-3, 2e-2] } }, "o.json");
    const before = contents(place.of("calm"));
    const refused = await runSweep(place, [other, "--out=calm"]);
    assertEquals(refused.code, 78);
    assertMatch(refused.stderr, /^error: [^\n]+\n$/);
    assertStringIncludes(refused.stderr, "axes.optim.lr: [0.001,0.01] against [0.001,0.02]");
    assertEquals(contents(place.of("calm")), before);
  });
});

Deno.test("SIGTERM leaves every running trial saved, and a second sweep is kept out", async () => {
  using place = new Place();
  const file = sweepFile(place, {
    ...TINY,
    axes: { seed: [1, 2] },
    base: { ...TINY.base, steps: 400 },
  });
  const args = [file, "--out=s", "--parallel=2"];
  const child = startSweep(place, args);
  const ended = child.output();
  const metrics = () =>
    Array.from(Deno.readDirSync(place.of("s/trials"))).map(({ name }) =>
      Deno.readTextFileSync(place.of(`s/trials/${name}/metrics.jsonl`)).split("\n").length
    );
  const isMidway = () => {
    try {
      return metrics().length === 2 && metrics().every((lines) => lines > 4);
    } catch {
      return false;
    }
  };
  while (!isMidway()) await new Promise((resolve) => setTimeout(resolve, 50));
  const second = await runSweep(place, args);
  assertEquals(second.code, 73);
  assertMatch(second.stderr, /^error: Output folder s is in use by process \d+ on \S+\n$/);
  child.kill("SIGTERM");
  const { code, stdout, stderr } = await ended;
  const text = new TextDecoder().decode(stdout);
  assertEquals(code, 0);
  assertMatch(new TextDecoder().decode(stderr), /^Stopping: every trial that runs is saved/);
  assertStringIncludes(text, "2 trials are left: the same command goes on with them");
  place.assertQuiet();
  for (const { name } of Deno.readDirSync(place.of("s/trials"))) {
    const { steps } = place.json(`s/trials/${name}/summary.json`);
    assert(Number(steps) >= 4 && Number(steps) < 400, `stopped at ${steps}`);
    const folder = `step-${String(steps).padStart(8, "0")}`;
    assert(Deno.statSync(place.of(`s/trials/${name}/checkpoints/${folder}`)).isDirectory);
  }
});

Deno.test("a trial that fails is reported after its tries, and stops no other", async () => {
  using place = new Place();
  const base = { ...TINY.base, steps: 4 };
  const file = sweepFile(place, { ...TINY, axes: { seed: [1, 2] }, base });
  const { stdout: list } = await runSweep(place, [file, "--dry-run"]);
  const key = /^(\w{16}) seed=2: /m.exec(list)?.[1];
  Deno.mkdirSync(place.of(`s/trials/${key}/.lock`), { recursive: true }); // In its lock's way.
  const { code, stderr } = await runSweep(place, [file, "--out=s", "--retries=1"]);
  assertEquals(code, EXIT.incomplete);
  const found = rows(place, "s");
  assertEquals(found.map(({ status }) => status), ["done", "failed"]);
  assertMatch(found[1]?.reason ?? "", /Cannot use output folder .+ \(after 2 tries\)$/);
  assertEquals(entries(place, "s").filter(({ kind }) => kind === "retry").length, 1);
  assertMatch(stderr, /^error: Cannot finish the sweep: .*2 trials: 1 failed, .*seed=2: [^\n]+\n$/);
  // What failed is tried again, and a sweep that then has all is a success.
  Deno.removeSync(place.of(`s/trials/${key}/.lock`));
  const again = await runSweep(place, [file, "--out=s"]);
  assertEquals([again.code, again.stderr], [0, ""]);
});

Deno.test("early stopping lets few trials go on, and goes on as it decided", async () => {
  using place = new Place();
  const file = sweepFile(place, {
    ...TINY,
    axes: { "optim.lr": [1e-5, 1e-4, 1e-3, 1e-2] },
    base: { ...TINY.base, steps: 8 },
    asha: { min_steps: 2, eta: 2 },
  });
  const { code, stderr } = await runSweep(place, [file, "--out=s", "--parallel=2"]);
  assertEquals([code, stderr], [0, ""]);
  const found = rows(place, "s");
  const done = found.filter(({ status }) => status === "done");
  // How many get there depends on who comes first.
  assert(done.length >= 1 && done.length <= 2 && done.every(({ steps }) => steps === 8));
  assert(found.filter(({ steps }) => steps === 2).length >= 1);
  const promoted = entries(place, "s").filter(({ kind }) => kind === "promoted");
  assert(promoted.length >= 3 && promoted.every(({ reason }) => /val loss/.test(String(reason))));
  const again = await runSweep(place, [file, "--out=s"]);
  assertEquals([again.code, rows(place, "s")], [0, found]);
});

Deno.test("a budget bounds what is begun and how long it takes", async () => {
  using place = new Place();
  const file = sweepFile(place, {
    ...TINY,
    axes: { seed: [1, 2] },
    base: { ...TINY.base, steps: 300 },
  });
  const short = await runSweep(place, [file, "--out=s", "--budget=1"]);
  assertEquals([short.code, rows(place, "s")], [0, []]);
  assertStringIncludes(short.stdout, "2 trials are left");
  const poor = await runSweep(place, [file, "--out=s", "--budget=1e3flop"]);
  assertEquals(poor.code, 0);
  const kinds = entries(place, "s").map(({ kind }) => kind);
  assertEquals(kinds.slice(kinds.lastIndexOf("begin")), ["begin", "end"]);
  assertStringIncludes(poor.stdout, "2 trials are left");
});

Deno.test("what cannot be is refused before anything is made, in whole", async (t) => {
  using place = new Place();
  const refused = async (value: object, ...args: readonly string[]) => {
    const file = sweepFile(place, { ...TINY, ...value });
    const before = contents(place.path);
    const { code, stdout, stderr } = await runSweep(place, [file, "--out=s", ...args]);
    assertEquals([stdout, contents(place.path)], ["", before]);
    assertMatch(stderr, /^error: /);
    return { code, stderr };
  };
  await t.step("an axis over an unknown key, an empty axis", async () => {
    const { code, stderr } = await refused({ axes: { "optim.lrr": [1], "model.layers": [] } });
    assertEquals(code, 64);
    assertMatch(stderr, /^error: [^\n]+\n$/);
    assertStringIncludes(stderr, "axes.model.layers: need at least one value: it is empty");
    const unknown = await refused({ axes: { "optim.lrr": [1] } });
    assertStringIncludes(unknown.stderr, 'unknown key, did you mean "optim.lr"?');
  });
  await t.step("trials that cannot be, each with its reason", async () => {
    const { code, stderr } = await refused({ axes: { "model.width": [8, 7, 9] } });
    assertEquals(code, 64);
    assertMatch(stderr, /2 trials cannot be trained:\n {2}width=7: .+\n {2}width=9: .+\n$/);
  });
  await t.step("trials that the data have no room for", async () => {
    const { code, stderr } = await refused({ axes: { "data.seq_len": [8, 100_000] } });
    assertEquals(code, 64);
    assertMatch(stderr, /1 trials cannot be trained:\n {2}seq_len=100000: /);
  });
  await t.step("a trunk without wsd, no file, a budget of nothing", async () => {
    const trunk = await refused({ trunk: true, budgets: [640] });
    assertStringIncludes(trunk.stderr, "optim.schedule: need wsd to share a trunk: cosine");
    const budget = await refused({}, "--budget=later");
    assertEquals(budget.stderr.includes("Cannot take --budget: need seconds or FLOP"), true);
    const { code, stderr } = await runSweep(place, []);
    assertEquals([code, stderr], [64, "error: Cannot sweep: need one sweep file: none given\n"]);
  });
});
