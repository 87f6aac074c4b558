/** Scores a trained model on held-out sentences with zero, one or two examples. */
import { sayLines, sayText } from "../../src/base/text/say.ts";
import { table } from "../../src/cli/table.ts";
import { openContinue } from "../continue.ts";
import { Dice } from "../dice.ts";
import { runScore } from "../flags.ts";
import { wordDistance } from "./distance.ts";
import { drawPair, type Pair, question, shots, type Style, styleOf, STYLES } from "./english.ts";

/** A sentence to correct, and examples of the same house style. */
interface Task extends Pair {
  readonly style: Style;
  readonly examples: readonly Pair[];
}

/** Maximum number of examples. */
const MOST = 2;

function tasks(count: number): Task[] {
  const dice = new Dice(2, "tasks");
  return Array.from({ length: count }, (_, i) => {
    const style = STYLES[i % STYLES.length] as Style;
    const examples = Array.from({ length: MOST }, () => drawPair(dice, { style }));
    return { style, examples, ...drawPair(dice, { style, kept: true }) };
  });
}

/** Word error rate. */
function wordErrors(sentences: readonly string[], all: readonly Task[]): number {
  const words = all.map(({ good }) => good.split(" "));
  const wrong = words.map((good, i) => wordDistance((sentences[i] as string).split(" "), good));
  return sum(wrong) / sum(words.map(({ length }) => length));
}

await runScore({
  name: "correction",
  about: "Lets a model correct sentences and compares them with the good ones.",
  prompts: 200,
}, async ({ path, prompts }) => {
  const all = tasks(prompts);
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const row = (name: string, sentences: readonly string[]) => {
    const share = (holds: (sentence: string, task: Task) => boolean) =>
      percent(all.filter((task, i) => holds(sentences[i] as string, task)).length / all.length);
    return [
      name,
      share((sentence, { good }) => sentence === good),
      share((sentence, { style }) => styleOf(sentence) === style),
      percent(wordErrors(sentences, all)),
    ];
  };
  const rows = [
    ["", "all right", "spelling of the house", "wrong words"],
    row("as they are", all.map(({ poor }) => poor)),
  ];
  const ask = await openContinue(path);
  for (let shown = 0; shown <= MOST; shown++) {
    const texts = all.map(({ examples, poor }) => shots(examples.slice(0, shown)) + question(poor));
    const found = await ask(texts, { stop: "\n", tokens: 40 });
    const sentences = found.map((sentence) => sentence.trim());
    rows.push(row(`behind ${shown} ${shown === 1 ? "example" : "examples"}`, sentences));
    if (shown < MOST) continue;
    sayText(`${texts[0]} ${sentences[0]}\n(right: ${all[0]?.good})\n`);
  }
  sayLines(table(rows));
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
