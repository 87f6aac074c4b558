/** `eval`, as a user calls it: every token once, whoever computes it, and what is refused. */
import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import { runCommand } from "./command.ts";
import { assertOneLine, contents, type Refused } from "./refusals.ts";
import { type Ended, Place, tinyArgs } from "./support.ts";

function evaluate(place: Place, ...args: readonly string[]): Promise<Ended> {
  return runCommand("eval", args, { cwd: place.path });
}

async function reportOf(place: Place, path: string, ...args: readonly string[]) {
  const { report, says } = await reportAndNotes(place, path, ...args);
  assertEquals(says, "");
  return report;
}

async function reportAndNotes(place: Place, path: string, ...args: readonly string[]) {
  const { code, stdout, stderr: says } = await evaluate(place, path, "--json", ...args);
  assertEquals(code, 0, says);
  return { report: JSON.parse(stdout), says };
}

async function assertRefused(
  place: Place,
  { args, ...refused }: Refused,
): Promise<void> {
  const before = contents(place.path);
  assertOneLine(await evaluate(place, ...args), refused);
  assertEquals(contents(place.path), before);
}

Deno.test("eval asks a run's whole validation part, and the number of workers is no matter", async (t) => {
  using place = new Place();
  await place.succeed(tinyArgs("run"));
  const before = contents(place.of("run"));
  const text = Deno.readTextFileSync(place.of("text.txt"));
  const tokens = Math.floor(text.length * 0.1) - 1;
  const one = await reportOf(place, "run");

  await t.step("each token but the first counts once, whatever the stride", async () => {
    for (const stride of [1, 32]) {
      const { all } = await reportOf(place, "run", `--stride=${stride}`);
      assertEquals(all.tokens, tokens);
      assertEquals(all.loss === one.all.loss, false);
      assertAlmostEquals(all.loss, one.all.loss, 0.05);
    }
    assertEquals([one.all.tokens, one.window, one.stride], [tokens, 32, 16]);
  });
  await t.step("measures follow from the loss", () => {
    const { loss, perplexity, bits_per_character, bits_per_byte } = one.all;
    assertAlmostEquals(perplexity, Math.exp(loss), 1e-9);
    assertAlmostEquals(bits_per_character, loss / Math.LN2, 1e-9);
    const tail = text.slice(-tokens);
    const bytes = new TextEncoder().encode(tail).length;
    assertAlmostEquals(bits_per_byte, loss / Math.LN2 * tokens / bytes, 1e-9);
  });
  await t.step("three workers have the bits of one", async () => {
    assertEquals(await reportOf(place, "run", "--workers=3"), one);
  });
  await t.step("another text is evaluated as a whole", async () => {
    place.write("other.txt", text.slice(100, 400));
    const { all, texts } = await reportOf(place, "run", "--data=other.txt");
    assertEquals([all.tokens, texts[0].name], [299, "other.txt"]);
  });
  await t.step("people get a table", async () => {
    const { stdout } = await evaluate(place, "run");
    const [head = "", columns = "", row = ""] = stdout.split("\n");
    assertMatch(head, /step-00000006 at step 6: windows of 32 tokens, 16 of them asked/);
    assertEquals(columns.trim().split(/ {2,}/)[0], "tokens");
    assert(row.includes("text.txt") && row.includes(one.all.loss.toFixed(4)), row);
  });
  assertEquals(contents(place.of("run")), before);
});

Deno.test("eval refuses in one line what it cannot do", async (t) => {
  using place = new Place();
  await place.succeed(tinyArgs("run"));
  place.write("strange.txt", "§ is no character of the text");
  place.write("one.txt", "a");
  const refusals: Record<string, Refused> = {
    "no path": { args: [], exit: "config", says: ["need one path of a model"] },
    "no model": { args: ["none"], exit: "noInput", says: ["none", "there is none"] },
    "a stride of nothing": { args: ["run", "--stride=0"], exit: "config", says: ["stride", "0"] },
    "a stride past the window": {
      args: ["run", "--stride=33"],
      exit: "config",
      says: ["eval.stride: need at most data.seq_len 32: 33"],
    },
    "a flag that is none": { args: ["run", "--strid=3"], exit: "config", says: ["strid"] },
    "unknown characters": { args: ["run", "--data=strange.txt"], exit: "data", says: ["§"] },
    "a text of one token": {
      args: ["run", "--data=one.txt"],
      exit: "data",
      says: ["at least 2 tokens: it has 1"],
    },
  };
  for (const [name, refused] of Object.entries(refusals)) {
    await t.step(name, () => assertRefused(place, refused));
  }
  await t.step("a text that is no longer what was trained on", async () => {
    place.write("text.txt", "Something else altogether. ".repeat(200));
    const says = ["must be the one that was trained on"];
    await assertRefused(place, { args: ["run"], exit: "incompatible", says });
  });
});

/** A recurrent run of a moment. */
function recurrent(place: Place, out: string, data: Record<string, unknown>): Promise<Ended> {
  const config = {
    steps: 1,
    micro_batches: 2,
    micro_batch_size: 2,
    device: "reference",
    model: { kind: "recurrent", width: 4 },
    data: { path: "text.txt", seq_len: 16, ...data },
    report: { sample_length: 0 },
  };
  place.write(`${out}.json`, JSON.stringify(config));
  return place.succeed([`${out}.json`, `--out=${out}`]);
}

Deno.test("eval measures what a model is asked, and nothing that it does not know", async (t) => {
  using place = new Place();
  const tokens = Math.floor(Deno.readTextFileSync(place.of("text.txt")).length * 0.1);

  await t.step("labels of windows: each window whole and once", async () => {
    await recurrent(place, "labels", { source: "direction" });
    const { all, stride, accuracy } = await reportOf(place, "labels");
    assertEquals([all.tokens, stride], [Math.floor((tokens - 1) / 16), null]);
    assertAlmostEquals(all.loss, Math.LN2, 0.1);
    assertEquals(Number.isInteger(accuracy * all.tokens), true);
    assertEquals(all.bits_per_character, null);
  });
  await t.step("lanes: each token once, and no stride", async () => {
    await recurrent(place, "lanes", { bptt: 8 });
    const { all, stride } = await reportOf(place, "lanes");
    assertEquals([all.tokens, stride], [tokens - 1, null]);
    assertAlmostEquals(all.bits_per_character, all.loss / Math.LN2, 1e-9);
    const says = ["--stride: need windows that slide", "3"];
    await assertRefused(place, { args: ["lanes", "--stride=3"], exit: "config", says });
  });
  await t.step("the tokens behind a document's end are asked as well", async () => {
    await recurrent(place, "ends", { bptt: 8, document_end: "e " });
    const { report: { all }, says } = await reportAndNotes(place, "ends");
    assertMatch(says, /^"e " ends \d+ documents of .*text\.txt\n$/);
    assertEquals(all.tokens, tokens - 1);
    assertAlmostEquals(all.bits_per_character as number, all.loss / Math.LN2, 1e-9);
  });
  await t.step("an unknown word has no length", async () => {
    await recurrent(place, "words", { tokenizer: "word:5", max_unknown: 0.8 });
    const { report: { all }, says } = await reportAndNotes(place, "words");
    assertMatch(says, /^\d+ % of .*text\.txt is unknown to the tokenizer: \d+ of \d+ tokens\n$/);
    assertEquals([all.bits_per_character, all.bits_per_byte], [null, null]);
  });
  await t.step("a text of other words is refused until told", async () => {
    place.write("other.txt", "quite another text ".repeat(20));
    const args = ["words", "--data=other.txt"];
    const says = [
      "other.txt: need at most 5 % unknown tokens",
      "100 %",
      "--max-unknown=1 takes it",
    ];
    await assertRefused(place, { args, exit: "data", says });
    await reportAndNotes(place, ...args as [string, string], "--max-unknown=1");
  });
  await t.step("an export with labels, and an import without a text, are refused", async () => {
    for (const args of [["export", "labels"], ["export", "lanes"], ["import", "lanes-hf"]]) {
      const [task = "", ...rest] = args;
      assertEquals((await runCommand(task, rest, { cwd: place.path })).code, 0);
    }
    const text = "--data=text.txt";
    await assertRefused(place, { args: ["labels-hf", text], exit: "config", says: ["labels"] });
    await assertRefused(place, { args: ["runs/lanes-hf"], exit: "config", says: ["need --data"] });
    assertEquals((await reportOf(place, "runs/lanes-hf", text)).all.tokens > 0, true);
  });
});
