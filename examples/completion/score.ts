/**
 * Completes prompts with several sampling settings, and compares the words with those of the text.
 */
import { sayLines, sayText } from "../../src/base/text/say.ts";
import { table } from "../../src/cli/table.ts";
import { mobyDick } from "../../src/data/moby_dick.ts";
import type { Sampling } from "../../src/generate/draw.ts";
import { openContinue } from "../continue.ts";
import { runScore } from "../flags.ts";
import { wordShares, wordsOf } from "./words.ts";

/** Training fraction of the text: 1 - `data.validation`. */
const TRAINED = 0.9;
/** Characters per passage of the held-out part, the human baseline. */
const WRITTEN = 200;
/** Tokens per completion: prompt and completion fit the context. */
const TOKENS = 56;
const PROMPTS = ["The whale", "I looked at the", "It was a", "And now the captain"];

/** Sampling settings by the equivalent flags of `generate`. */
const SETTINGS: Readonly<Record<string, Sampling>> = {
  "--temperature=0": { temperature: 0 },
  "--temperature=0.5": { temperature: 0.5 },
  "--temperature=0.8": { temperature: 0.8 },
  "--temperature=1": { temperature: 1 },
  "--temperature=1 --top-k=20": { temperature: 1, topK: 20 },
  "--temperature=1 --top-p=0.9": { temperature: 1, topP: 0.9 },
  "--temperature=1.5": { temperature: 1.5 },
};

await runScore({
  name: "completion",
  about: "Completes prompts with several settings and counts words of the text.",
  prompts: 64,
}, async ({ path, prompts }) => {
  const text = await mobyDick();
  const border = Math.floor(TRAINED * text.length);
  const [trained, held] = [wordsOf(text.slice(0, border)), text.slice(border)];
  const beginnings = Array.from(
    { length: prompts },
    (_, i) => PROMPTS[i % PROMPTS.length] as string,
  );
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const row = (name: string, completions: readonly string[]) => {
    const { known, distinct, copied } = wordShares(completions, trained);
    return [name, percent(known), percent(distinct), percent(copied)];
  };
  const rows = [["", "words of the text", "distinct words", "runs of three in the text"]];
  const complete = await openContinue(path);
  for (const [name, sampling] of Object.entries(SETTINGS)) {
    const completions = await complete(beginnings, { tokens: TOKENS, sampling });
    sayText(`${name}:\n${beginnings[0]}${completions[0]}\n`);
    rows.push(row(name, completions));
  }
  rows.push(row(
    "Melville himself, later on",
    Array.from({ length: prompts }, (_, i) => held.slice(i * WRITTEN, (i + 1) * WRITTEN)),
  ));
  sayLines(table(rows));
});
