/**
 * Generates short sentences with mistakes. The right spelling (colour or color) depends on a house
 * style that only the examples in a prompt show.
 */
import type { Dice } from "../dice.ts";

/** House style of a document. */
export type Style = "British" | "American";

/** Both house styles. */
export const STYLES: readonly Style[] = ["British", "American"];

/** A sentence with a mistake, and its correction. */
export interface Pair {
  readonly poor: string;
  readonly good: string;
}

const PEOPLE = (
  "sailor farmer baker singer teacher doctor painter hunter miller weaver captain pilot"
).split(" ");
const THINGS = (
  "ship lamp book horse basket candle ladder letter mirror barrel bottle hammer"
).split(" ");
/** Base, third person, past, and the wrong regular past. */
const VERBS = [
  "bring brings brought bringed",
  "buy buys bought buyed",
  "catch catches caught catched",
  "choose chooses chose choosed",
  "find finds found finded",
  "hold holds held holded",
  "keep keeps kept keeped",
  "make makes made maked",
  "sell sells sold selled",
  "take takes took taked",
].map((forms) => forms.split(" ") as [string, string, string, string]);
const NOW = ["every day", "each morning", "on Sundays"];
const THEN = ["yesterday", "last night", "last week"];

/** Adjectives in British and American spelling. */
const LOOKS: readonly Readonly<Record<Style, string>>[] = [
  { British: "grey", American: "gray" },
  { British: "colourful", American: "colorful" },
  { British: "favourite", American: "favorite" },
  { British: "mouldy", American: "moldy" },
  { British: "jewelled", American: "jeweled" },
  { British: "aluminium", American: "aluminum" },
];

/** Kinds of mistakes besides the other spelling. */
const MISTAKES = ["verb", "letters", "twice", "missing"] as const;

/** Whether a pair of nouns is held out from documents, for the score. */
function isKept(person: number, thing: number): boolean {
  return (person + thing) % 4 === 0;
}

/** Draws a pair of nouns, held out or not. */
function drawNouns(dice: Dice, kept: boolean): [person: string, thing: string] {
  const person = dice.below(PEOPLE.length);
  const things = THINGS.filter((_, thing) => isKept(person, thing) === kept);
  return [PEOPLE[person] as string, dice.pick(things)];
}

/**
 * A sentence with one mistake, in half of the cases also with the other spelling. `kept`: held-out
 * nouns, which other calls never draw.
 */
export function drawPair(
  dice: Dice,
  { style, kept = false }: { style: Style; kept?: boolean },
): Pair {
  const look = dice.pick(LOOKS);
  const other = look[style === "British" ? "American" : "British"];
  const [person, thing] = drawNouns(dice, kept);
  const past = dice.below(2) === 0;
  const many = dice.below(2) === 0;
  const [base, third, before, wrongPast] = dice.pick(VERBS);
  const [verb, wrongVerb] = past ? [before, wrongPast] : many ? [base, third] : [third, base];
  const words = [
    "The",
    person + (many ? "s" : ""),
    verb,
    "the",
    look[style],
    thing,
    ...dice.pick(past ? THEN : NOW).split(" "),
  ];
  const poor = spoiled(words, { dice, wrongVerb });
  const spelt = dice.below(2) === 0
    ? poor
    : poor.map((word) => word === look[style] ? other : word);
  return { poor: sentence(spelt), good: sentence(words) };
}

/** The house style of a sentence; undefined for none or both. */
export function styleOf(sentence: string): Style | undefined {
  const words = new Set(sentence.split(/[ .]/));
  const [style, ...more] = STYLES.filter((of) => LOOKS.some((look) => words.has(look[of])));
  return more.length === 0 ? style : undefined;
}

/** Introduces one mistake. */
function spoiled(
  words: readonly string[],
  { dice, wrongVerb }: { dice: Dice; wrongVerb: string },
): string[] {
  const out = [...words];
  switch (dice.pick(MISTAKES)) {
    case "verb":
      out[2] = wrongVerb;
      break;
    case "letters": {
      const at = dice.pick([1, 5]);
      out[at] = swapped(words[at] as string);
      break;
    }
    case "twice": {
      const at = dice.below(words.length - 1) + 1;
      out.splice(at, 0, words[at] as string);
      break;
    }
    case "missing":
      out.splice(3, 1);
  }
  return out;
}

/** Swaps two adjacent letters after the first one. */
function swapped(word: string): string {
  const at = Array.from(word).findIndex((letter, i) => i > 0 && letter !== word.charAt(i + 1));
  return word.slice(0, at) + word.charAt(at + 1) + word.charAt(at) + word.slice(at + 2);
}

function sentence(words: readonly string[]): string {
  return words.join(" ") + ".";
}

/** Few-shot examples in the format of Brown et al. 2020 (section 3.9.6). */
export function shots(pairs: readonly Pair[]): string {
  return pairs.map(({ poor, good }) => `${question(poor)} ${good}\n`).join("");
}

/** The prompt for a sentence. */
export function question(poor: string): string {
  return `Poor English input: ${poor}\nGood English output:`;
}
