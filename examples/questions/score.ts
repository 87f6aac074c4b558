/**
 * Scores a trained model on facts it was trained on, held-out questions, unseen facts, and facts in
 * the prompt.
 */
import { sayLines, sayText } from "../../src/base/text/say.ts";
import { table } from "../../src/cli/table.ts";
import { openContinue } from "../continue.ts";
import { Dice } from "../dice.ts";
import { runScore } from "../flags.ts";
import { type Answered, type Fact, facts, passage, questionText, type Standing } from "./world.ts";

/** A prompt and its answer. */
interface Prompt {
  readonly text: string;
  readonly answer: string;
  /** Answers of the right kind. */
  readonly sensible: readonly string[];
}

/** Questions about facts of a standing, in the forms that `fits` accepts. */
function closedBook(
  standing: Standing,
  fits: (way: number, fact: Fact) => boolean = () => true,
): Prompt[] {
  return facts().filter((fact) => fact.standing === standing).flatMap((fact) =>
    fact.property.questions.filter((_, way) => fits(way, fact)).map((question) => ({
      text: questionText(question(fact.animal)),
      answer: fact.value,
      sensible: fact.property.values,
    }))
  );
}

/** Unseen passages with their first question. */
function openBook(count: number): Prompt[] {
  const dice = new Dice(3, "passages");
  return Array.from({ length: count }, () => {
    const { text, asked } = passage(dice);
    const [{ question, answer }] = asked as [Answered];
    const sensible = asked.map((each) => each.answer);
    return { text: `${text}\n${questionText(question)}`, answer, sensible };
  });
}

await runScore({
  name: "questions",
  about: "Asks a model about the made-up world and counts the right answers.",
  prompts: 300,
}, async ({ path, prompts }) => {
  const kinds: Record<string, Prompt[]> = {
    "asked in these words": closedBook("asked", (way, { heldOut }) => way !== heldOut),
    "asked in other words": closedBook("asked", (way, { heldOut }) => way === heldOut),
    "told, never asked": closedBook("told"),
    "never told": closedBook("hidden"),
    "told in the prompt": openBook(prompts),
  };
  const ask = await openContinue(path);
  const rows = [["", "questions", "right", "makes sense", "chance"]];
  for (const [kind, all] of Object.entries(kinds)) {
    const asked = new Dice(4, kind).shuffled(all).slice(0, prompts);
    const found = await ask(asked.map(({ text }) => text), { stop: ".", tokens: 12 });
    const answers = found.map((answer) => answer.trim());
    const share = (holds: (answer: string, prompt: Prompt) => boolean) =>
      percent(
        asked.filter((prompt, i) => holds(answers[i] as string, prompt)).length,
        asked.length,
      );
    const [first] = asked as [Prompt];
    sayText(`${kind}:\n${first.text} ${answers[0]}.   (right: ${first.answer})\n`);
    rows.push([
      kind,
      String(asked.length),
      share((answer, prompt) => answer === prompt.answer),
      share((answer, { sensible }) => sensible.includes(answer)),
      percent(1, first.sensible.length),
    ]);
  }
  sayLines(table(rows));
});

function percent(part: number, whole: number): string {
  return `${(100 * part / whole).toFixed(1)} %`;
}
