/** Where runs go on: whole runs in this process, whose folders people and disks have been at. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UserError } from "../../../src/base/user_error.ts";
import { lostWhen, type Remains } from "../../../workers/run/resume.ts";
import { openModel } from "../../../src/artifacts/model.ts";
import { flipBit, names } from "../../checkpoint/fixture.ts";
import { Bench } from "./run_bench.ts";

/** What befalls a run that has finished 6 steps, so that none of its checkpoints can be loaded. */
const LOSSES: readonly { loss: string; befall: (bench: Bench) => void; says: string }[] = [
  {
    loss: "all are damaged",
    befall: (bench) => {
      for (const step of names(bench.checkpoints)) {
        flipBit(`${bench.checkpoints}/${step}/model.safetensors`, { byte: -1 });
      }
    },
    says: "2 are damaged and set aside",
  },
  {
    loss: "all are damaged, and nothing else is left of the run",
    befall: (bench) => {
      for (const step of names(bench.checkpoints)) {
        flipBit(`${bench.checkpoints}/${step}/manifest.json`, { byte: 9 });
      }
      for (const name of ["metrics.jsonl", "samples.jsonl", "summary.json", "journal.jsonl"]) {
        Deno.removeSync(`${bench.run}/${name}`);
      }
    },
    says: "2 are damaged and set aside",
  },
  {
    loss: "its folder of checkpoints was removed",
    befall: (bench) => Deno.removeSync(bench.checkpoints, { recursive: true }),
    says: "its journal says that step 6 was saved",
  },
  {
    loss: "its checkpoints were removed, and its journal is damaged in its first line",
    befall: (bench) => {
      for (const step of names(bench.checkpoints)) {
        Deno.removeSync(`${bench.checkpoints}/${step}`, { recursive: true });
      }
      Deno.writeTextFileSync(`${bench.run}/journal.jsonl`, "?" + bench.read("journal.jsonl"));
    },
    says: "line 1 is not a JSON object",
  },
  {
    loss: "its checkpoints and its journal were removed",
    befall: (bench) => {
      Deno.removeSync(bench.checkpoints, { recursive: true });
      Deno.removeSync(`${bench.run}/journal.jsonl`);
    },
    says: "summary.json is of a run that was saved",
  },
];

for (const { loss, befall, says } of LOSSES) {
  Deno.test(`no resume begins at step 0 unasked, however often it is tried: ${loss}`, async () => {
    using bench = new Bench();
    await bench.train("begin");
    const hash = bench.hash;
    befall(bench);
    const held = () => Object.values(bench.contents()).sort();
    const before = held();
    const first = await bench.refused(78);
    assertStringIncludes(first, says);
    assertStringIncludes(first, `--restart=${bench.run}`);
    for (let i = 0; i < 3; i++) assertEquals(await bench.refused(78), first);
    assertEquals(held(), before, "no byte was written or lost");
    await assertRejects(() => openModel(bench.run), UserError);

    // A restart is possible on request, and keeps what was there.
    const recorded = bench.contents();
    await bench.train("restart");
    assertEquals([bench.hash, bench.steps()], [hash, [1, 2, 3, 4, 5, 6]]);
    const kept = bench.contents();
    for (const [path, bytes] of Object.entries(recorded)) {
      const [top = "", ...below] = path.split("/");
      assertEquals(kept[[`${top}.1`, ...below].join("/")], bytes, path);
    }
  });
}

Deno.test("a run that was killed before its first checkpoint begins anew, and keeps its lines", async () => {
  using bench = new Bench();
  await bench.train("begin");
  const hash = bench.hash;
  bench.forgetSaves();
  const [metrics, samples] = [bench.read("metrics.jsonl"), bench.read("samples.jsonl")];
  await bench.train("resume", { until: 3, killed: true });
  const again = bench.read("metrics.jsonl");
  assertEquals(bench.steps().slice(0, 3), [1, 2, 3]);
  assertEquals(bench.read("metrics.jsonl.1"), metrics);
  assertEquals(bench.read("samples.jsonl.1"), samples);
  assert(bench.notices.some((text) => text.includes("metrics.jsonl is kept as")));
  await bench.train("resume");
  assertEquals([bench.read("metrics.jsonl.1"), bench.read("metrics.jsonl.2")], [metrics, again]);
  assertEquals([bench.hash, bench.steps()], [hash, [1, 2, 3, 4, 5, 6]]);
  assertEquals(names(bench.run).filter((name) => name.startsWith("config")), ["config.json"]);
});

Deno.test("a resume at step 0 with other numbers keeps the config that it replaces", async () => {
  using bench = new Bench();
  await bench.train("begin");
  bench.forgetSaves();
  const before = bench.read("config.json");
  await bench.train("resume", { config: { seed: 5 } });
  assertEquals(bench.read("config.json.1"), before);
  assertEquals(JSON.parse(bench.read("config.json")).seed, 5);
});

Deno.test("a fallback from a damaged checkpoint keeps the lines of the steps that are repeated", async () => {
  using bench = new Bench();
  await bench.train("begin");
  const [hash, metrics] = [bench.hash, bench.read("metrics.jsonl")];
  flipBit(`${bench.checkpoints}/step-00000006/model.safetensors`, { byte: -1 });
  await bench.train("resume", { config: { steps: 5 } });
  assertEquals(bench.read("metrics.jsonl.1"), metrics);
  assertEquals(bench.steps(), [1, 2, 3, 4, 5]);
  await bench.train("resume");
  assertEquals([bench.hash, bench.steps()], [hash, [1, 2, 3, 4, 5, 6]]);
  assertEquals(names(bench.run).filter((name) => name.startsWith("metrics")).length, 2);
});

Deno.test("all that a run records may lie behind links, and stays there with --follow-links", async () => {
  using bench = new Bench();
  await bench.train("begin", { until: 3 });
  const away = `${bench.path}/away`;
  Deno.mkdirSync(away);
  for (const name of names(bench.run).filter((name) => name !== ".lock")) {
    Deno.renameSync(`${bench.run}/${name}`, `${away}/${name}`);
    Deno.symlinkSync(`${away}/${name}`, `${bench.run}/${name}`);
  }
  Deno.symlinkSync(bench.run, `${bench.path}/alias`);
  const before = bench.contents(away);
  assertStringIncludes(await bench.refused(64), "--follow-links");
  assertEquals(bench.contents(away), before);
  bench.followLinks = true;
  await bench.train("resume");
  for (const name of names(away)) assert(Deno.lstatSync(`${bench.run}/${name}`).isSymlink, name);
  assertEquals(bench.steps(), [1, 2, 3, 4, 5, 6]);
  assertEquals(names(`${away}/checkpoints`), ["step-00000004", "step-00000006"]);
  const { step } = await openModel(`${bench.path}/alias`);
  assertEquals(step, 6);
});

Deno.test("checkpoints behind a link to a disk that is not mounted are waited for", async () => {
  using bench = new Bench();
  await bench.train("begin", { until: 3 });
  Deno.renameSync(bench.checkpoints, `${bench.path}/disk`);
  Deno.symlinkSync(`${bench.path}/mount`, bench.checkpoints);
  const before = bench.contents();
  assertStringIncludes(await bench.refused(64), "--follow-links");
  bench.followLinks = true;
  for (let i = 0; i < 2; i++) assertStringIncludes(await bench.refused(66), "this link leads to");
  assertEquals(bench.contents(), before);
  Deno.renameSync(`${bench.path}/disk`, `${bench.path}/mount`);
  await bench.train("resume");
  assertEquals(bench.steps(), [1, 2, 3, 4, 5, 6]);
});

Deno.test("a new run writes over nothing that a folder holds", async () => {
  for (const name of ["config.json", "metrics.jsonl", "journal.jsonl", "checkpoints.json"]) {
    using bench = new Bench();
    Deno.mkdirSync(bench.run);
    Deno.writeTextFileSync(`${bench.run}/${name}`, "mine");
    if (name === "checkpoints.json") await bench.train("begin");
    else await assertRejects(() => bench.train("begin"), UserError, "Cannot start in");
    assertEquals(bench.read(name), "mine");
  }
});

Deno.test("only a run that never saved anything may begin at step 0", () => {
  const nothing: Remains = { damaged: [], saved: [], ended: false, untold: false };
  assertEquals(lostWhen(nothing), undefined);
  const cases = [
    { damaged: [".corrupt-x"] },
    { saved: [3] },
    { fault: "line 2 is not a JSON object" },
    { ended: true },
    { untold: true },
  ];
  for (const some of cases) {
    assert(lostWhen({ ...nothing, ...some }) !== undefined);
  }
});
