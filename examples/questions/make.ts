/** Writes the training pages of statements, questions and passages. */
import { Dice } from "../dice.ts";
import { writeDocuments } from "../documents.ts";
import { runMake } from "../flags.ts";
import { type Fact, facts, passage, questionText } from "./world.ts";

/** Lines of a page about the world. */
const PAGE = 4;

/** A page of independent lines about the world, or a passage about strangers. */
function page(dice: Dice, known: readonly Fact[]): string {
  if (dice.below(2) === 0) {
    const { text, asked } = passage(dice);
    return [text, ...asked.map(({ question, answer }) => questionText(question, answer))].join(
      "\n",
    );
  }
  return Array.from({ length: PAGE }, () => {
    const { animal, property, value, standing, heldOut } = dice.pick(known);
    const allowed = property.questions.filter((_, i) => i !== heldOut);
    return standing === "asked" && dice.below(2) === 0
      ? questionText(dice.pick(allowed)(animal), value)
      : dice.pick(property.statements)(animal, value);
  }).join("\n");
}

await runMake({
  name: "questions",
  about: "Writes pages about a small made-up world, in plain sentences and questions.",
  documents: 30_000,
}, async ({ out, documents }) => {
  const dice = new Dice(2, "pages");
  const known = facts().filter(({ standing }) => standing !== "hidden");
  await writeDocuments(out, Array.from({ length: documents }, () => page(dice, known)));
});
