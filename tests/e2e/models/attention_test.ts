/** `attention`, as a user calls it: made-up words, texts, hidden tokens, and what is refused. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { AttentionReport } from "../../../src/attention/report.ts";
import { runCommand } from "../command.ts";
import { assertOneLine } from "../refusals.ts";
import { Place, ROOT, tinyArgs } from "../support.ts";

async function attention(place: Place, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand("attention", args, { cwd: place.path });
  assertEquals([code, stderr], [0, ""]);
  return stdout;
}

const reportIn = (place: Place, folder: string) =>
  place.json(`${folder}/attention.json`) as unknown as AttentionReport;

Deno.test("a head of the model that learnt to recall finds the name", async () => {
  using place = new Place();
  await place.succeed([
    `${ROOT}configs/recall_gpt.ts`,
    "--device=cpu",
    "--steps=150",
    "--optim.decay_steps=150",
    "--out=recall",
  ]);
  const said = await attention(place, "recall", `--prompt-file=${ROOT}examples/recall.txt`);
  assertMatch(said, /^recall: 32 tokens, 2 layers, 8 heads\ntoken 32 "\?" looks most at:\n/);
  assertMatch(said, /layer 2, head \d: (9\d\.\d|100\.0) % to token 1 "Grace"/);
  assertMatch(said, /It expects: "Grace" 9\d\.\d %/);
  const { tokens, layers, expects } = reportIn(place, "recall-attention");
  assertEquals([tokens.length, layers.length, layers[0]?.attention.length], [32, 2, 4]);
  assertEquals([tokens[0], expects[0]?.token], ["Grace", "Grace"]);
  for (const rows of layers.flatMap(({ attention }) => attention)) {
    rows.forEach((row, i) => {
      assert(Math.abs(row.reduce((sum, x) => sum + x, 0) - 1) < 1e-3);
      assert(row.slice(i + 1).every((x) => x === 0), "causal");
    });
  }
  assertStringIncludes(
    Deno.readTextFileSync(place.of("recall-attention/attention.html")),
    "Attention of recall",
  );
});

Deno.test("texts and hidden tokens have attention, recurrent networks have none", async () => {
  using place = new Place();
  const quick = ["--device=reference", "--out=out"];
  await place.succeed(tinyArgs("gpt", "--device=cpu", "--steps=1"));
  await attention(place, "gpt", "--prompt=the sea", ...quick);
  assertEquals(reportIn(place, "out").tokens, [..."the sea"]);
  const encoder = ["--model.kind=encoder", "--data.source=masked"];
  await place.succeed(tinyArgs("masked", "--device=cpu", "--steps=1", ...encoder));
  await attention(place, "masked", "--prompt=t[MASK]e", ...quick);
  assertEquals(reportIn(place, "out").tokens, ["t", "[MASK]", "e"]);
  const refused = async (args: readonly string[], says: string) => {
    const ended = await runCommand("attention", args, { cwd: place.path });
    assertOneLine(ended, { exit: "config", says: [says] });
  };
  await refused(["gpt"], "need --prompt or --prompt-file");
  await refused(["gpt", "--prompt="], "need 1 to");
  await refused(["gpt", `--prompt=${"the sea ".repeat(30)}`], "it has 240");
  const lstm = { steps: 1, model: { kind: "recurrent", width: 8 }, data: { seq_len: 16 } };
  place.write("lstm.json", JSON.stringify(lstm));
  await place.succeed(["lstm.json", "--data=text.txt", "--device=cpu", "--out=lstm"]);
  await refused(["lstm", "--prompt=the", "--device=reference"], "recurrent has none");
  const recall = ["--data.source=recall", "--model.kind=gpt"];
  await place.succeed(["--steps=1", "--device=cpu", "--out=recall", ...recall]);
  await refused(["recall", "--prompt=Anna the sea ?"], "need words of Anna Ben");
});
