/** The folder of a trial that branches off its trunk. */
import { assertEquals } from "@std/assert";
import { saveCheckpoint } from "../../src/checkpoint/commit.ts";
import { quarantine } from "../../src/checkpoint/load.ts";
import { stepName } from "../../src/checkpoint/names.ts";
import { attempt } from "../../src/cli/sweep/attempt.ts";
import type { Books } from "../../src/cli/sweep/books.ts";
import { SweepMeter } from "../../src/cli/sweep/meter.ts";
import { checkpointsOf, savedStepsOf } from "../../src/cli/sweep/trial_folder.ts";
import { openJournal } from "../../src/report/journal/journal.ts";
import { draftOf, flipBit, names, TempFolder } from "../checkpoint/fixture.ts";
import { draftFor } from "../support/drafts.ts";
import { standing, trialOf } from "./support.ts";

const [SHORT, LONG] = [trialOf("short", 100), trialOf("long", 200)];

/** Makes the folder of the short trial ready, as far as a child would be started in it. */
async function prepare(out: string): Promise<readonly number[]> {
  using journal = openJournal(`${out}/sweep.jsonl`);
  const folder = (key: string) => `${out}/trials/${key}`;
  const books: Books = {
    out,
    journal,
    added: 0,
    check() {},
    lost: new AbortController().signal,
    folder,
    write() {},
    [Symbol.dispose]() {},
  };
  const one = standing(SHORT, { share: { at: [80], trunk: { key: "long", step: 80 } } });
  const trunk = standing(LONG, { checkpoints: await savedStepsOf(folder("long")), state: "done" });
  const { code } = await attempt(one, {
    books,
    standings: new Map([["short", one], ["long", trunk]]),
    meter: new SweepMeter(1),
    trunks: true,
    places: 1,
    cards: () => ({ gpus: [], [Symbol.dispose]() {} }),
    threads: 1,
    reason: "a test",
    stop: AbortSignal.abort(),
    started: () => {},
  });
  assertEquals(code, 0);
  return one.checkpoints;
}

/** A sweep whose trunk has a checkpoint where the short trial branches off. */
async function withTrunk(work: (out: string, folder: string) => Promise<void>): Promise<void> {
  using temp = new TempFolder();
  const draft = draftFor(LONG.config, { step: 80 });
  await saveCheckpoint(checkpointsOf(`${temp.path}/trials/long`), draft);
  Deno.writeTextFileSync(`${temp.path}/trials/long/metrics.jsonl`, '{"step":80}\n{"step":81}\n');
  const folder = `${temp.path}/trials/short`;
  Deno.mkdirSync(folder);
  await work(temp.path, folder);
}

Deno.test("a trial that was killed before its first checkpoint branches off, and keeps its lines", () =>
  withTrunk(async (out, folder) => {
    Deno.writeTextFileSync(`${folder}/metrics.jsonl`, '{"step":1,"loss":5}\n');
    Deno.writeTextFileSync(`${folder}/samples.jsonl`, '{"step":1,"text":"x"}\n');
    assertEquals(await prepare(out), [80]);
    assertEquals(Deno.readTextFileSync(`${folder}/metrics.jsonl`), '{"step":80}\n');
    assertEquals(Deno.readTextFileSync(`${folder}/metrics.jsonl.1`), '{"step":1,"loss":5}\n');
    assertEquals(Deno.readTextFileSync(`${folder}/samples.jsonl.1`), '{"step":1,"text":"x"}\n');
  }));

Deno.test("a trial whose checkpoints are damaged does not begin anew by itself", () =>
  withTrunk(async (out, folder) => {
    const { path } = await saveCheckpoint(checkpointsOf(folder), draftOf(90));
    flipBit(`${path}/model.safetensors`, { byte: -1 });
    await quarantine(path);
    Deno.writeTextFileSync(`${folder}/metrics.jsonl`, '{"step":90,"loss":5}\n');
    for (let i = 0; i < 2; i++) assertEquals(await prepare(out), []);
    assertEquals(Deno.readTextFileSync(`${folder}/metrics.jsonl`), '{"step":90,"loss":5}\n');
    assertEquals(names(folder).filter((name) => name.includes(".1")), []);
    assertEquals(names(checkpointsOf(folder)).includes(stepName(80)), false);
  }));
