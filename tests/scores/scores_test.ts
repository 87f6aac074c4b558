/** Scores of texts against sacrebleu's, and edit distances against their laws. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { bleu, bleuTokens, type Scored } from "../../src/scores/bleu.ts";
import { chrf } from "../../src/scores/chrf.ts";
import { editDistance } from "../../src/scores/edit_distance.ts";
import { targetScores } from "../../src/scores/targets.ts";

interface Scores {
  readonly bleu: number;
  readonly chrf: number;
}

const GOLDEN: { readonly texts: readonly (Scored & Scores)[]; readonly all: Scores } = JSON.parse(
  Deno.readTextFileSync(new URL("../golden/scores/scores.json", import.meta.url)),
);

Deno.test("BLEU and chrF are those of sacrebleu to 1e-6, of each text and of all", () => {
  for (const scored of GOLDEN.texts) {
    assertAlmostEquals(bleu([scored]), scored.bleu, 1e-6, scored.text);
    assertAlmostEquals(chrf([scored]), scored.chrf, 1e-6, scored.text);
  }
  assertAlmostEquals(bleu(GOLDEN.texts), GOLDEN.all.bleu, 1e-6);
  assertAlmostEquals(chrf(GOLDEN.texts), GOLDEN.all.chrf, 1e-6);
});

Deno.test("marks are tokens, those within numbers are not", () => {
  assertEquals(bleuTokens('Say "3.5, 1,000"!'), ["Say", '"', "3.5", ",", "1,000", '"', "!"]);
  assertEquals(bleuTokens("20-30 e.g."), ["20", "-", "30", "e", ".", "g", "."]);
});

Deno.test("an edit distance is the fewest insertions, deletions and substitutions", () => {
  const cases: readonly (readonly [string, string, number])[] = [
    ["", "", 0],
    ["", "abc", 3],
    ["kitten", "sitting", 3],
    ["flaw", "lawn", 2],
    ["abc", "abc", 0],
    ["abcd", "badc", 3],
  ];
  for (const [a, b, want] of cases) {
    assertEquals(editDistance([...a], [...b]), want);
    assertEquals(editDistance([...b], [...a]), want);
  }
});

Deno.test("a target is right if it is one of the references, and errors count to the nearest", () => {
  const scores = targetScores([
    { text: "HH AH L OW", references: ["HH EH L OW", "HH AH L OW"] },
    { text: "K AE", references: ["K AE T", "K AA T Z"] },
    { text: "D AO G Z", references: ["D AO G"] },
  ]);
  assertEquals(scores.sources, 3);
  assertAlmostEquals(scores.wrong, 2 / 3);
  assertAlmostEquals(scores.word_errors, 2 / 10);
});
