/** openModel() on runs and checkpoints: which one it takes, and that it changes nothing. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { quarantine } from "../../src/checkpoint/load.ts";
import { evalCommand } from "../../src/cli/eval/eval.ts";
import { tokenizerHash } from "../../src/data/tokenizers/mod.ts";
import { type OpenedModel, openModel, type OpenOptions } from "../../src/artifacts/model.ts";
import { flipBit, names, TempFolder } from "../checkpoint/fixture.ts";
import { type PortableInput, tokenizerOf } from "./models.ts";
import { saveModel } from "./runs.ts";

const INPUT: PortableInput = { model: { kind: "gpt", layers: 1, width: 8, heads: 2 } };

/** A run with checkpoints of steps 2, 4, 6 and 8; the loss is lowest at 4. */
async function makeRun(run: string): Promise<void> {
  for (const [step, valLoss] of [[2, 3], [4, 2], [6, 2.5], [8, null]] as const) {
    await saveModel(run, { input: INPUT, step, valLoss });
  }
}

const damage = (run: string, step: number) =>
  flipBit(`${run}/checkpoints/step-0000000${step}/model.safetensors`, { byte: -1 });

Deno.test("openModel() takes a run's newest checkpoint, or its best", async () => {
  using temp = new TempFolder();
  await makeRun(temp.path);
  const newest = await openModel(temp.path);
  assertEquals([newest.step, newest.kind], [8, "run"]);
  const best = await openModel(temp.path, { which: "best" });
  assertEquals([best.step, best.kind], [4, "run"]);
  assertEquals([best.context, best.vocabulary, best.classes, best.targetKind], [
    8,
    11,
    11,
    "next_token",
  ]);
  const tokenizer = best.tokenizer as NonNullable<OpenedModel["tokenizer"]>;
  assertEquals(tokenizerHash(tokenizer), tokenizerHash(tokenizerOf(11)));
});

Deno.test("openModel() passes over damaged checkpoints and leaves them where they are", async () => {
  using temp = new TempFolder();
  await makeRun(temp.path);
  for (const step of [8, 4]) damage(temp.path, step);
  const before = names(`${temp.path}/checkpoints`);
  const said: string[] = [];
  const open = async (which: NonNullable<OpenOptions["which"]>) =>
    (await openModel(temp.path, { which, warn: (text) => said.push(text) })).step;
  assertEquals([await open("newest"), await open("best")], [6, 6]);
  assertEquals(said.length, 2);
  assertStringIncludes(said[0] as string, "step-00000008: model.safetensors does not match");
  assertStringIncludes(said[1] as string, "step-00000004: model.safetensors does not match");
  assertEquals(names(`${temp.path}/checkpoints`), before);
});

Deno.test("openModel() takes one checkpoint, or the folder of all, by a path with a slash as well", async () => {
  using temp = new TempFolder();
  await makeRun(temp.path);
  for (const end of ["", "/"]) {
    const { step, kind } = await openModel(`${temp.path}/checkpoints/step-00000006${end}`);
    assertEquals([step, kind], [6, "checkpoint"]);
    const all = await openModel(`${temp.path}/checkpoints${end}`, { which: "best" });
    assertEquals([all.step, all.kind], [4, "run"]);
    const best = () => openModel(`${temp.path}/checkpoints/step-00000006${end}`, { which: "best" });
    assertEquals((await assertRejects(best, UserError, "need a run")).exit, "config");
  }
});

Deno.test("openModel() knows what a model is asked, and its vocabulary, where no text is read", async () => {
  using temp = new TempFolder();
  const input = {
    model: { kind: "recurrent", cell: "gru", width: 5 },
    context: 12,
    vocabulary: 7,
    classes: 3,
    targetKind: "token_class" as const,
  };
  const data = { source: "recall" as const, gap: 10, names: 3, fillers: 3 };
  await saveModel(temp.path, { input, step: 1, data });
  const { context, vocabulary, classes, targetKind } = await openModel(temp.path);
  assertEquals([context, vocabulary, classes, targetKind], [12, 7, 3, "token_class"]);
  const other = () => evalCommand([temp.path, "--data=x.txt"]);
  const refusal = await assertRejects(other, UserError, "need a model that reads a text");
  assertEquals(refusal.exit, "config");
});

Deno.test("openModel() refuses what holds no model, in one line", async () => {
  using temp = new TempFolder();
  const refused = async (path: string, options: OpenOptions, [exit, says]: [string, string]) => {
    const refusal = await assertRejects(() => openModel(path, options), UserError, says);
    assertEquals(refusal.exit, exit);
  };
  await refused(`${temp.path}/none`, {}, ["noInput", "need a folder: there is none"]);
  Deno.writeTextFileSync(`${temp.path}/file`, "");
  await refused(`${temp.path}/file`, {}, ["noInput", "need a folder: it is a file"]);
  const run = `${temp.path}/run`;
  Deno.mkdirSync(`${run}/checkpoints`, { recursive: true });
  await refused(run, {}, ["config", "need at least one checkpoint: there is none"]);
  const early = `${temp.path}/early`;
  Deno.mkdirSync(early);
  for (const name of ["config.json", "journal.jsonl"]) {
    Deno.writeTextFileSync(`${early}/${name}`, "{}");
  }
  await refused(early, {}, ["config", "need at least one checkpoint: there is none"]);
  const path = await saveModel(run, { input: INPUT, step: 2 });
  await refused(run, { which: "best" }, ["config", "need one with a validation loss"]);
  damage(run, 2);
  await refused(run, {}, ["incompatible", "No checkpoint in"]);
  await refused(path, {}, ["incompatible", "model.safetensors does not match its SHA-256"]);
  await quarantine(path);
  await refused(run, {}, ["incompatible", "1 are damaged and set aside"]);
});
