/** States that are not finite: none counts as a checkpoint, and no good one is removed for its sake. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { EXIT, UserError } from "../../src/base/user_error.ts";
import { saveCheckpoint } from "../../src/checkpoint/commit.ts";
import { stepName } from "../../src/checkpoint/names.ts";
import { NonFiniteState } from "../../src/checkpoint/non_finite.ts";
import { openCheckpoint } from "../../src/checkpoint/verify.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { openModel } from "../../src/artifacts/model.ts";
import { names } from "../checkpoint/fixture.ts";
import { Bench } from "../workers/run/run_bench.ts";

/** A run whose learning rate is `lr` at last, and that saves after each step. */
function at(
  bench: Bench,
  lr: number,
  { keep = 1, ...more }: Partial<RunConfig> & { keep?: number } = {},
): Partial<RunConfig> {
  const { optim, checkpoint } = bench.config();
  return {
    optim: { ...optim, lr, min_lr: null, warmup_steps: 12 },
    checkpoint: { ...checkpoint, every: 1, keep, keep_best: false },
    ...more,
  };
}

/** The line of a run that diverges. */
async function diverged(
  bench: Bench,
  config: Partial<RunConfig>,
  how: "begin" | "resume" = "begin",
): Promise<string> {
  const { exit, message } = await assertRejects(() => bench.train(how, { config }), UserError);
  assertEquals([EXIT[exit], message.includes("\n")], [EXIT.numerical, false]);
  return message;
}

/** Entries of a kind in a run's journal. */
function journal(bench: Bench, kind: string): Record<string, unknown>[] {
  return bench.read("journal.jsonl").trim().split("\n").map((line) => JSON.parse(line))
    .filter((entry) => entry.kind === kind);
}

const folders = (bench: Bench) => names(bench.checkpoints);

/** The newest checkpoint once more, with other parameters: its hashes are right. */
async function forge(bench: Bench, act: (data: Float32Array) => void): Promise<number> {
  const name = folders(bench).at(-1) as string;
  const path = `${bench.checkpoints}/${name}`;
  const { manifest, model, optimizer } = await openCheckpoint(path);
  Deno.removeSync(path, { recursive: true });
  for (const { data } of model.values()) act(data);
  const { files: _files, stateHash: _hash, format: _format, ...draft } = manifest;
  const state = { model: [...model.values()], optimizer: [...optimizer.values()] };
  await saveCheckpoint(bench.checkpoints, { manifest: draft, ...state }).catch((error) => {
    if (!(error instanceof NonFiniteState)) throw error;
    Deno.renameSync(error.kept as string, path);
  });
  return manifest.step;
}

Deno.test("a checkpoint from which no step was taken prunes none that is known to be good", async () => {
  using bench = new Bench();
  // Step 5 has no gradient: it is computed with the state of step 4.
  const text = await diverged(bench, at(bench, 200));
  assertMatch(
    text,
    /^Training diverged in step 5: loss [\d.]+, gradient norm NaN.*step 4 is the newest/,
  );
  assertEquals(folders(bench), [3, 4].map(stepName));
});

Deno.test("a run that ends or is stopped keeps what its config says of the checkpoints that are good", async () => {
  using bench = new Bench();
  const config = at(bench, 10);
  // Nothing was computed with the state of step 3 when it stopped.
  await bench.train("begin", { config, until: 3 });
  assertEquals(folders(bench), [2, 3].map(stepName));
  await bench.train("resume", { config });
  assertEquals(folders(bench), [stepName(6)]);
});

Deno.test("a state whose loss is not finite is set aside, and the newest good checkpoint is named", async () => {
  using bench = new Bench();
  const config = at(bench, 10, { keep: 3 });
  await bench.train("begin", { config, until: 3 });
  // Finite numbers, and so large that nothing can be computed with them.
  const step = await forge(bench, (data) => data.forEach((x, i) => data[i] = x * 1e30));
  const text = await diverged(bench, config, "resume");
  assertMatch(
    text,
    /^Training diverged in step 4: loss NaN.*: step 2 is the newest good checkpoint$/,
  );
  const aside = `${stepName(step)}.ruined`;
  assertEquals(folders(bench), [stepName(1), stepName(2), aside]);
  assertEquals(bench.notices, [
    `Set the checkpoint of step 3 aside as ${bench.checkpoints}/${aside}: its training loss is not finite`,
  ]);
  // A resume knows nothing of it any more, and computes what the run would have computed.
  await bench.train("resume", { config });
  const { hash } = bench;
  using whole = new Bench();
  await whole.train("begin", { config: at(whole, 10) });
  assertEquals(hash, whole.hash);
  assert(folders(bench).includes(aside));
});

Deno.test("a checkpoint whose numbers are not finite is none: the one before it is loaded, and nothing opens it", async () => {
  for (const value of [NaN, Infinity, -Infinity]) {
    using bench = new Bench();
    const config = at(bench, 10, { keep: 3 });
    await bench.train("begin", { config, until: 3 });
    const step = await forge(bench, (data) => data[1] = value);
    const path = `${bench.checkpoints}/${stepName(step)}`;
    const says = RegExp(`its state is not finite: \\S+\\[1\\] is ${value}$`);
    const { exit, message } = await assertRejects(() => openModel(path), UserError);
    assertEquals(exit, "incompatible");
    assertMatch(message, says);
    const warnings: string[] = [];
    const opened = await openModel(bench.run, { warn: (text) => warnings.push(text) });
    assertEquals(opened.step, step - 1);
    assertMatch(warnings.join("\n"), says);
    await bench.train("resume", { config });
    assertMatch(
      bench.notices.join("\n"),
      RegExp(`^Skipped the damaged checkpoint ${path}: its state`),
    );
    assert(folders(bench).includes(`${stepName(step)}.ruined`));
    assertEquals(folders(bench).filter((name) => name.startsWith(".")), []);
  }
});

Deno.test("a run that diverged before its first good checkpoint begins at step 0, one that was damaged does not", async () => {
  using bench = new Bench();
  const config = at(bench, 1e30);
  const text = await diverged(bench, config);
  assertMatch(
    text,
    /step 2: loss NaN.*; lower optim\.lr: there is no good checkpoint to go on from$/,
  );
  assertEquals(await diverged(bench, config, "resume"), text);
  assertMatch(bench.notices[0] ?? "", /^Steps after 0 are done again: .*metrics/);
  using other = new Bench();
  await other.train("begin", { config: at(other, 10), until: 1 });
  await forge(other, (data) => data[0] = NaN);
  assertMatch(await other.refused(EXIT.incompatible, at(other, 10)), /step 1 was saved, but none/);
});

Deno.test("the last state is not saved as a checkpoint where it, or its validation loss, is not finite", async () => {
  const cases: readonly (readonly [lr: number, until: number, says: RegExp])[] = [
    [3.4e38, 1, /its state is not finite: \S+\[\d+\] is -?Infinity/],
    [1e30, Infinity, /its validation loss is NaN/],
  ];
  for (const [lr, until, says] of cases) {
    for (const policy of ["halt", "skip", "rollback"] as const) {
      using bench = new Bench();
      const base = bench.config();
      const config = {
        ...at(bench, lr),
        steps: until === 1 ? 2 : 1,
        optim: { ...base.optim, lr, min_lr: null, warmup_steps: 0, weight_decay: 0.5 },
        guard: { ...base.guard, policy, max_skips: 0 },
      };
      const run = () => bench.train("begin", { config, until });
      const { exit, message } = await assertRejects(run, UserError, "there is no good checkpoint");
      assertEquals(EXIT[exit], EXIT.numerical);
      assertMatch(message, says);
      assertMatch(message, /^Training diverged in step 1: .*; it is kept as \S+\.ruined; /);
      assertEquals(folders(bench), [`${stepName(1)}.ruined`]);
      assert(!names(bench.run).includes("summary.json"));
    }
  }
});

Deno.test("policy rollback goes back before a ruined state and passes over the steps that led there", async () => {
  using bench = new Bench();
  const config = at(bench, 10, { keep: 3 });
  await bench.train("begin", { config, until: 3 });
  await forge(bench, (data) => data.forEach((x, i) => data[i] = x * 1e30));
  const guard = { ...bench.config().guard, policy: "rollback", rollback_steps: 2 } as const;
  await bench.train("resume", { config: { ...config, guard } });
  // Steps are counted from 0 here: the state of step 3 was to blame, so it was taken once more.
  assertEquals(journal(bench, "rewind").map(({ from, to }) => [from, to]), [[3, 2]]);
  assertEquals(journal(bench, "skip").map(({ skips }) => skips), [[2, 3]]);
  assertEquals(folders(bench).at(-1), stepName(6));
});
