/** Our matcher and V8's give the same matches for random patterns and texts. */
import { assertEquals } from "@std/assert";
import { WorkMeter } from "../../../src/data/tokenizers/meter.ts";
import { Pattern } from "../../../src/data/tokenizers/pattern/pattern.ts";
import { dice, pick, type Roll } from "../../fuzz/dice.ts";

const ATOMS = [
  "a",
  "b",
  "\\p{L}",
  "\\p{N}",
  " ",
  "[ab]",
  "[^a\\s]",
  "\\S",
  "🐋",
  "\\n",
  "[\\s\\S]",
  "'",
];
const TIMES = ["*", "+", "?", "{2}", "{1,3}", "{0,2}", "*?", "+?", "{1,2}?"];
const LOOKS = ["?=", "?!", "?<=", "?<!"];
const LETTERS = ["a", "b", " ", "1", "\n", "🐋", "é", "'", "x", "\ufeff", "A"];

function pattern(roll: Roll, depth: number): string {
  const kind = roll(depth === 0 ? 2 : 7);
  const inner = () => pattern(roll, depth - 1);
  if (kind < 2) return pick(ATOMS, roll);
  if (kind === 2) return inner() + inner();
  if (kind === 3) return `(?:${inner()}|${inner()})`;
  if (kind === 4) return `(${pick(LOOKS, roll)}${inner()})`;
  if (kind === 5) return `(?i:${inner()})`;
  return `(?:${inner()})${pick(TIMES, roll)}`;
}

Deno.test("patterns of files match what the engine matches", () => {
  const meter = new WorkMeter();
  for (let round = 0; round < 1500; round++) {
    const roll = dice(7, round);
    const theirs = new RegExp(pattern(roll, 3), "gu");
    const text = Array.from({ length: roll(14) }, () => pick(LETTERS, roll)).join("");
    const places = Array.from(text.matchAll(theirs), ({ index }) => index);
    // V8 finds no match inside a surrogate pair.
    if (places.some((at) => at > 0 && (text.codePointAt(at - 1) ?? 0) > 0xffff)) continue;
    meter.begin(1000);
    const ours = new Pattern(theirs.source, { meter, place: "here" }) as unknown as RegExp;
    const found = (by: RegExp) => [
      text.match(by),
      Array.from(text.matchAll(by), (match) => [match[0], match.index]),
      text.replaceAll(by, "<>"),
      text.split(by),
    ];
    assertEquals(found(ours), found(theirs), `${theirs} on ${JSON.stringify(text)}`);
  }
});
