/** Samples while training: from fixed prompts, at their steps, once each, whatever happens between. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { assertRefused } from "../refusals.ts";
import { Place, SAMPLES, tinyArgs } from "../support.ts";

const PROMPTS = ["the whale ", "a ship"];
const SAMPLED = [SAMPLES, "--report.sample_every=2", `--report.prompts=${JSON.stringify(PROMPTS)}`];

function samplesOf(place: Place, run: string): { step: number; prompt: string; text: string }[] {
  const lines = Deno.readTextFileSync(place.of(`${run}/samples.jsonl`)).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line));
}

Deno.test("samples are drawn from each prompt every few steps, and training is none the wiser", async (t) => {
  using place = new Place();
  const { stdout } = await place.succeed(tinyArgs("run", ...SAMPLED));
  const samples = samplesOf(place, "run");

  await t.step("each step and prompt has one, in the file and on the terminal", () => {
    const wanted = [2, 4, 6].flatMap((step) => PROMPTS.map((prompt) => [step, prompt, 20]));
    assertEquals(samples.map(({ step, prompt, text }) => [step, prompt, [...text].length]), wanted);
    for (const { prompt, text } of samples) {
      assertStringIncludes(stdout, (prompt + text).split("\n")[0] ?? "");
    }
    assertEquals(new Set(samples.map(({ text }) => text)).size, samples.length);
  });
  await t.step("three workers draw the same, and a resume draws none twice", async () => {
    await place.succeed(tinyArgs("three", ...SAMPLED, "--workers=3"));
    assertEquals(samplesOf(place, "three"), samples);
    await place.succeed(tinyArgs("half", ...SAMPLED, "--steps=4"));
    await place.succeed(["--resume=half", "--steps=6", "--workers=2"]);
    assertEquals(samplesOf(place, "half").filter(({ step }) => step !== 4), [
      ...samples.slice(0, 2),
      ...samples.slice(4),
    ]);
  });
  await t.step("the state is that of a run without samples", async () => {
    await place.succeed(tinyArgs("plain"));
    assertEquals(place.stateHash("plain"), place.stateHash("run"));
  });
  await t.step(
    "a prompt that the tokenizer lacks is refused before anything starts",
    () =>
      assertRefused(place, {
        args: tinyArgs("refused", SAMPLES, '--report.prompts=["§"]'),
        exit: "config",
        says: ["§"],
      }),
  );
  await t.step(
    "a prompt without a token is refused before anything starts",
    () =>
      assertRefused(place, {
        args: tinyArgs(
          "refused",
          SAMPLES,
          '--report.prompts=["the", "  "]',
          "--data.tokenizer=word",
        ),
        exit: "config",
        says: ["report.prompts", '"  "'],
      }),
  );
  await t.step("prompt and sample together are a text of words", async () => {
    await place.succeed(tinyArgs("words", ...SAMPLED, "--steps=2", "--data.tokenizer=word"));
    for (const { prompt, text } of samplesOf(place, "words")) {
      assertEquals(prompt.endsWith(" ") || /^\s/.test(text), true, prompt + text);
    }
  });
  await t.step("prompts that are no list are refused", () =>
    assertRefused(place, {
      args: tinyArgs("refused", "--report.prompts=whale"),
      exit: "config",
      says: ["report.prompts", "list of (string)", '"whale"'],
    }));
});
