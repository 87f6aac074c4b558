/** An encoder, as a user trains and asks it: masked text, fill, eval, export, import, plan. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runCommand } from "../command.ts";
import { assertOneLine } from "../refusals.ts";
import { Place, tinyArgs } from "../support.ts";

const ENCODER = [
  "--model.kind=encoder",
  "--data.source=masked",
  "--device=cpu",
  "--model.mlp_width=12",
];

async function succeed(place: Place, name: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(name, args, { cwd: place.path });
  assertEquals([code, stderr], [0, ""], name);
  return stdout;
}

Deno.test("an encoder is trained, asked, evaluated, exported and imported", async () => {
  using place = new Place();
  await place.succeed(tinyArgs("run", ...ENCODER));
  const ask = ["--text=the w[MASK]a[MASK]e", "--device=reference"];
  const [text = "", ...rows] = (await succeed(place, "fill", "run", ...ask)).trimEnd().split("\n");
  assertMatch(text, /^the w.a.e$/);
  assertEquals(rows.length, 3);
  for (const row of rows.slice(1)) {
    assertMatch(row, /^ {2}[12] +"." \d+\.\d %( {2}"\\?." \d+\.\d %){4}$/);
  }
  const json = JSON.parse(await succeed(place, "fill", "run", ...ask, "--json", "--top=2"));
  assertEquals([json.text, json.hidden.length, json.hidden[0].length], [text, 2, 2]);
  assert(json.hidden[0][0].probability >= json.hidden[0][1].probability);
  assertMatch(await succeed(place, "eval", "run", "--device=cpu"), /accuracy \d+\.\d\d %/);
  assertStringIncludes(await succeed(place, "export", "run"), "as BertForMaskedLM");
  await succeed(place, "import", "run-hf", "--out=back");
  assertEquals(JSON.parse(await succeed(place, "fill", "back", ...ask, "--json", "--top=2")), json);
  assertStringIncludes(
    await succeed(place, "plan", "run/config.json", "--device=cpu"),
    "6N + 12LDT",
  );
});

Deno.test("what an encoder cannot do is one line", async () => {
  using place = new Place();
  await place.succeed(tinyArgs("run", ...ENCODER, "--steps=1"));
  const refused = async (name: string, args: readonly string[], says: string) => {
    const ended = await runCommand(name, args, { cwd: place.path });
    assertOneLine(ended, { exit: "config", says: [says] });
  };
  await refused("generate", ["run", "--prompt=the"], "need a model of the next token");
  await refused("fill", ["run", "--text=the"], "need --text with [MASK]");
  await refused("fill", ["run", `--text=${"the [MASK] ".repeat(40)}`], "need at most");
  const train = (...more: string[]) => tinyArgs("other", "--device=cpu", ...more);
  await refused(
    "train",
    train("--model.kind=encoder"),
    "need recall or truecase or direction or masked for model encoder: text",
  );
  await refused("train", train("--data.mask_share=0.2"), "need data.source=masked");
  await refused(
    "train",
    train("--model.kind=encoder", "--model.heads=3"),
    "need a multiple of heads",
  );
  await place.succeed(tinyArgs("gpt", "--steps=1", "--device=cpu"));
  await refused("fill", ["gpt", "--text=the [MASK]"], "was trained on masked text");
});
