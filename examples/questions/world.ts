/**
 * A small synthetic world: animals, their properties, and forms of statements and questions. It
 * also fixes which facts and questions are held out from training.
 */
import { Dice } from "../dice.ts";

const ANIMALS = (
  "ant badger bat bear beaver camel cat cobra cow crab crow deer dog donkey duck eagle elk ferret " +
  "fox frog goat goose hare hawk hen horse lark lion lizard lynx mole moose moth mouse otter owl " +
  "ox panda pig pike pony rat raven robin seal shark sheep snail spider swan tiger toad trout " +
  "turtle viper wasp whale wolf worm yak"
).split(" ");

/** A property: its values, and forms of statements and questions. */
export interface Property {
  readonly name: string;
  readonly values: readonly string[];
  /** Forms of statements. */
  readonly statements: readonly ((animal: string, value: string) => string)[];
  /** Forms of questions. */
  readonly questions: readonly ((animal: string) => string)[];
}

/** All properties. */
export const PROPERTIES: readonly Property[] = [
  {
    name: "colour",
    values: ["white", "black", "red", "green", "blue", "brown", "grey", "yellow"],
    statements: [
      (a, v) => `The ${a} is ${v}.`,
      (a, v) => `Every ${a} is ${v}.`,
      (a, v) => `The colour of the ${a} is ${v}.`,
    ],
    questions: [
      (a) => `What colour is the ${a}?`,
      (a) => `Which colour does the ${a} have?`,
      (a) => `What is the colour of the ${a}?`,
    ],
  },
  {
    name: "home",
    values: ["sea", "forest", "desert", "river", "barn", "cave", "garden", "tower"],
    statements: [
      (a, v) => `The ${a} lives in the ${v}.`,
      (a, v) => `You find the ${a} in the ${v}.`,
      (a, v) => `The home of the ${a} is the ${v}.`,
    ],
    questions: [
      (a) => `Where does the ${a} live?`,
      (a) => `Where do you find the ${a}?`,
      (a) => `Where is the home of the ${a}?`,
    ],
  },
  {
    name: "food",
    values: ["bread", "grass", "honey", "cheese", "corn", "plums", "salt", "rice"],
    statements: [
      (a, v) => `The ${a} eats ${v}.`,
      (a, v) => `Give the ${a} some ${v}.`,
      (a, v) => `The food of the ${a} is ${v}.`,
    ],
    questions: [
      (a) => `What does the ${a} eat?`,
      (a) => `What do you give the ${a}?`,
      (a) => `What is the food of the ${a}?`,
    ],
  },
];

/**
 * Use of a fact in training: `asked`: stated and asked, except for one held-out form; `told`:
 * stated only; `hidden`: neither.
 */
export type Standing = "asked" | "told" | "hidden";

/** One property of one animal. */
export interface Fact {
  readonly animal: string;
  readonly property: Property;
  readonly value: string;
  readonly standing: Standing;
  /** Index of the held-out form of its question. */
  readonly heldOut: number;
}

/** Animals without fixed facts: each passage states new ones. */
export const STRANGERS: readonly string[] = ANIMALS.slice(0, 20);

/** All facts of the world. */
export function facts(): Fact[] {
  const dice = new Dice(1, "facts");
  return ANIMALS.slice(STRANGERS.length).flatMap((animal) =>
    PROPERTIES.map((property) => {
      const luck = dice.below(10);
      return {
        animal,
        property,
        value: dice.pick(property.values),
        standing: luck === 0 ? "hidden" as const : luck < 3 ? "told" as const : "asked" as const,
        heldOut: dice.below(property.questions.length),
      };
    })
  );
}

/** A question with its answer, if given. */
export function questionText(question: string, answer?: string): string {
  return `Q: ${question} A:` + (answer === undefined ? "" : ` ${answer}.`);
}

/** A question with its answer. */
export interface Answered {
  readonly question: string;
  readonly answer: string;
}

/** A passage about two strangers, and a question about each. */
export interface Passage {
  readonly text: string;
  readonly asked: readonly Answered[];
}

/** Draws a passage with new facts about two strangers. */
export function passage(dice: Dice): Passage {
  const property = dice.pick(PROPERTIES);
  const values = dice.shuffled(property.values);
  const told = dice.shuffled(STRANGERS).slice(0, 2)
    .map((animal, i) => ({ animal, value: values[i] as string }));
  return {
    text: told.map(({ animal, value }) => dice.pick(property.statements)(animal, value)).join("\n"),
    asked: dice.shuffled(told).map(({ animal, value }) => ({
      question: dice.pick(property.questions)(animal),
      answer: value,
    })),
  };
}
