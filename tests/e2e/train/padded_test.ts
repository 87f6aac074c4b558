/** A model with more logits than its tokenizer has tokens: `generate` and `eval` say the same of it. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { writeExported } from "../../../src/artifacts/exported.ts";
import { portableOf, tokenizerOf } from "../../exchange/models.ts";
import { runCommand } from "../command.ts";
import { Place } from "../support.ts";

const TOKENS = 11;
const VOCABULARY = 16;
const CONTEXT = 12;

Deno.test("log-probabilities with a padded vocabulary are the losses of eval", async (t) => {
  using place = new Place();
  const model = { kind: "gpt", layers: 1, width: 8, heads: 2 };
  const portable = portableOf({ model, vocabulary: VOCABULARY, context: CONTEXT });
  const tokenizer = tokenizerOf(TOKENS);
  await writeExported(place.of("padded"), { ...portable, step: 1, tokenizer });
  const run = async (name: string, args: readonly string[]): Promise<string> => {
    const words = ["padded", "--device=reference", ...args];
    const { code, stdout, stderr } = await runCommand(name, words, { cwd: place.path });
    assertEquals([code, stderr], [0, ""]);
    return stdout;
  };
  for (const sampling of ["--temperature=0", "--temperature=3", "--top-p=0.5"]) {
    await t.step(sampling, async () => {
      // As many tokens as the model sees at once, so that one window asks all that were drawn.
      const length = CONTEXT - 1;
      const drawn = await run("generate", [
        "--prompt=a",
        `--tokens=${length}`,
        "--logprobs",
        sampling,
      ]);
      const lines = drawn.trimEnd().split("\n").map((line) => line.split("\t"));
      const text = lines.slice(0, length).map(([json = ""]) => JSON.parse(json)).join("");
      place.write("drawn.txt", "a" + text);
      const { all } = JSON.parse(await run("eval", ["--data=drawn.txt", "--json"]));
      assertEquals(all.tokens, length);
      const mean = Number(lines[length]?.[2]);
      assertAlmostEquals(mean, -all.loss, 2e-6);
      assert(mean < -0.1, `${mean}`);
    });
  }
});
