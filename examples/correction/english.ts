/**
 * Short sentences and their mistakes. Which of two spellings is the right one is a matter of house
 * style (colour or color): only the examples in a prompt tell. Knows no files and no model.
 */
import type { Dice } from "../dice.ts";

/** Whose spelling a document keeps to. */
export type Style = "British" | "American";

/** Both houses. */
export const STYLES: readonly Style[] = ["British", "American"];

/** A sentence with a mistake, and as it should be. */
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
/** Base, third person, past, and the past of those who take it for a regular verb. */
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

/** What things look like, as the British and as the Americans spell it. */
const LOOKS: readonly Readonly<Record<Style, string>>[] = [
  { British: "grey", American: "gray" },
  { British: "colourful", American: "colorful" },
  { British: "favourite", American: "favorite" },
  { British: "mouldy", American: "moldy" },
  { British: "jewelled", American: "jeweled" },
  { British: "aluminium", American: "aluminum" },
];

/** What may be wrong with a sentence, beside its spelling in the other style. */
const MISTAKES = ["verb", "letters", "twice", "missing"] as const;

/** A person and a thing, by number, that no document brings together: only a score does. */
function isKept(person: number, thing: number): boolean {
  return (person + thing) % 4 === 0;
}

/** A person and a thing, kept ones or others. */
function drawNouns(dice: Dice, kept: boolean): [person: string, thing: string] {
  const person = dice.below(PEOPLE.length);
  const things = THINGS.filter((_, thing) => isKept(person, thing) === kept);
  return [PEOPLE[person] as string, dice.pick(things)];
}

/**
 * A sentence with one mistake, and in half of the cases in the other house's spelling as well.
 * `kept` ones are for the score: no other call gives any of them.
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

/** The house whose spelling a sentence keeps to; undefined for none, and for both at once. */
export function styleOf(sentence: string): Style | undefined {
  const words = new Set(sentence.split(/[ .]/));
  const [style, ...more] = STYLES.filter((of) => LOOKS.some((look) => words.has(look[of])));
  return more.length === 0 ? style : undefined;
}

/** The words with one mistake. */
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

/** The word with two neighbouring letters behind its first one the other way round. */
function swapped(word: string): string {
  const at = Array.from(word).findIndex((letter, i) => i > 0 && letter !== word.charAt(i + 1));
  return word.slice(0, at) + word.charAt(at + 1) + word.charAt(at) + word.slice(at + 2);
}

function sentence(words: readonly string[]): string {
  return words.join(" ") + ".";
}

/** Pairs one behind the other, as Brown et al. 2020 write them (section 3.9.6). */
export function shots(pairs: readonly Pair[]): string {
  return pairs.map(({ poor, good }) => `${question(poor)} ${good}\n`).join("");
}

/** What is asked of a sentence. */
export function question(poor: string): string {
  return `Poor English input: ${poor}\nGood English output:`;
}
