/** The examples run from their READMEs' commands to their scores, with few steps. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { changed, commandsOf, shown, wordsOf } from "../../examples/commands.ts";
import { facts } from "../../examples/questions/world.ts";
import { mobyDick } from "../../src/data/moby_dick.ts";
import { openPrepared } from "../../src/data/prepared/open.ts";
import { openTokens } from "../../src/data/prepared/tokens.ts";
import { openModel } from "../../src/artifacts/model.ts";
import { taskWords } from "../e2e/support.ts";

const ROOT = new URL("../../", import.meta.url);
const readme = (name: string): string =>
  Deno.readTextFileSync(new URL(`examples/${name}/README.md`, ROOT));

/** Runs the task `example` quickly into a folder; gives what it printed. */
async function runExample(name: string, out: string): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...taskWords("example"), name, "--quick", `--out=${out}`],
    cwd: ROOT,
    env: { NO_COLOR: "1", XDG_RUNTIME_DIR: out, TMPDIR: out },
    stdin: "null",
  }).output();
  const [printed, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assertEquals(code, 0, `${printed}\n${errors}`);
  return printed as string;
}

/** Nats per token of a model that knows how often each token comes, and nothing else. */
function unigramLoss(tokens: Uint32Array): number {
  const counts = new Map<number, number>();
  for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
  return counts.values().reduce((nats, n) => nats - n * Math.log(n / tokens.length), 0) /
    tokens.length;
}

/** Tokens of the training part of a prepared folder. */
function trainTokens(path: string): Uint32Array {
  using tokens = openTokens(path, "train");
  const all = new Uint32Array(tokens.length);
  tokens.read(0, all);
  return all;
}

/** Rows of the table at the end of an output: the text before the first of two spaces or more. */
function rowNames(output: string): string[] {
  const lines = output.trimEnd().split("\n");
  const table = lines.slice(lines.findLastIndex((line) => !line.startsWith("  ")) + 1);
  return table.map((line) => line.trim().split(/ {2,}/)[0] as string);
}

/** Every number in the rows of the table at the end is a share or a count. */
function assertScores(output: string, rows: readonly string[]): void {
  const [, ...names] = rowNames(output);
  assertEquals(names, [...rows]);
  for (const name of rows) assert(new RegExp(`^  ${name} .*\\d\\.\\d %`, "m").test(output), output);
}

/** Each of the README's commands was printed before it ran, in order and as this run changed it. */
function assertCommands(output: string, name: string, out: string): void {
  const commands = commandsOf(readme(name))
    .map((command) => "$ " + shown(changed(wordsOf(command), { name, out, quick: true })));
  assertEquals(output.split("\n").filter((line) => line.startsWith("$ ")), commands);
}

/** No page contains a hidden fact, a question about a told fact, or a held-out form. */
function assertKeptApart(pages: string): void {
  const all = facts();
  for (const { animal, property, value, standing, heldOut } of all) {
    const questions = property.questions.map((question) => question(animal));
    const never = standing === "asked" ? questions.filter((_, i) => i === heldOut) : questions;
    const said = property.statements.map((statement) => statement(animal, value));
    for (const text of standing === "hidden" ? [...said, ...never] : never) {
      assert(!pages.includes(text), text);
    }
  }
}

async function inFolder(work: (out: string) => Promise<void>): Promise<void> {
  const out = Deno.makeTempDirSync({ prefix: "shoal-example-" });
  try {
    await work(out);
  } finally {
    Deno.removeSync(out, { recursive: true });
  }
}

function lossOf(out: string): number {
  return JSON.parse(Deno.readTextFileSync(`${out}/model/summary.json`)).val_loss;
}

Deno.test("the example questions runs to its scores, and learns more than how often tokens come", () =>
  inFolder(async (out) => {
    const output = await runExample("questions", out);
    assertCommands(output, "questions", out);
    const rows = [
      "asked in these words",
      "asked in other words",
      "told, never asked",
      "never told",
      "told in the prompt",
    ];
    assertScores(output, rows);
    assertLess(lossOf(out), 0.8 * unigramLoss(trainTokens(`${out}/tokens`)));
    assertEquals(openPrepared(`${out}/tokens`).tokenizer.kind, "bpe");
    assertKeptApart(Deno.readTextFileSync(`${out}/documents.jsonl`));
  }));

Deno.test("the example correction runs to its scores, and learns more than how often tokens come", () =>
  inFolder(async (out) => {
    const output = await runExample("correction", out);
    assertCommands(output, "correction", out);
    assertScores(output, [
      "as they are",
      "behind 0 examples",
      "behind 1 example",
      "behind 2 examples",
    ]);
    assertLess(lossOf(out), 0.8 * unigramLoss(trainTokens(`${out}/tokens`)));
  }));

Deno.test("the example completion runs to its scores, and learns more than how often tokens come", () =>
  inFolder(async (out) => {
    const output = await runExample("completion", out);
    assertCommands(output, "completion", out);
    const { tokenizer } = await openModel(`${out}/model`);
    assert(tokenizer !== undefined);
    assertLess(lossOf(out), unigramLoss(tokenizer.encode(await mobyDick())));
  }));
