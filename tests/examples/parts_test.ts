/** Parts of the examples: commands, draws, distances, words, held-out data. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { changed, commandsOf, nameIn, shown, wordsOf } from "../../examples/commands.ts";
import { wholeWords, wordShares } from "../../examples/completion/words.ts";
import { wordDistance } from "../../examples/correction/distance.ts";
import { drawPair, shots, styleOf, STYLES } from "../../examples/correction/english.ts";
import { Dice } from "../../examples/dice.ts";
import { facts, passage, STRANGERS } from "../../examples/questions/world.ts";
import { UserError } from "../../src/base/user_error.ts";

Deno.test("a README's commands are the lines of its first block of shell commands", () => {
  const text =
    "Words.\n\n```sh\ndeno task a \\\n  --b=1\n\ndeno task c\n```\n\n```sh\nother\n```\n";
  assertEquals(commandsOf(text).map(wordsOf), [["deno", "task", "a", "--b=1"], [
    "deno",
    "task",
    "c",
  ]]);
  assertThrows(() => commandsOf("```\ndeno\n```\n"), TypeError, "block of sh");
});

Deno.test("quotes hold words together, and printed words are the same to a shell", () => {
  const words = wordsOf(`deno task x --prompt="Q: Where? A:" 'a b' --stop=.`);
  assertEquals(words, ["deno", "task", "x", "--prompt=Q: Where? A:", "a b", "--stop=."]);
  assertEquals(wordsOf(shown(words)), words);
});

Deno.test("changes move an example's folder and nothing that only looks like it", () => {
  const words = ["deno", "runs/a/x", "--out=runs/a", "runs/ab", "examples/a/make.ts"];
  const moved = ["deno", "/t/x", "--out=/t", "runs/ab", "examples/a/make.ts"];
  assertEquals(changed(words, { name: "a", out: "/t", quick: false }), moved);
  const quick = changed(words, { name: "a", out: "/t", quick: true });
  assertEquals(quick.slice(0, moved.length), moved);
  assert(quick.length > moved.length);
});

Deno.test("an example that there is not is refused by name", () => {
  assertEquals(nameIn(["a", "b"], ["b"]), "b");
  for (const given of [[], ["c"], ["a", "b"]]) {
    assertThrows(() => nameIn(["a", "b"], given), UserError, "need one of a, b");
  }
});

Deno.test("dice give the same draws for the same seed and name, each number about as often", () => {
  const draws = (name: string) => {
    const dice = new Dice(1, name);
    return Array.from({ length: 600 }, () => dice.below(6));
  };
  assertEquals(draws("a"), draws("a"));
  assert(draws("a").join() !== draws("b").join());
  for (let n = 0; n < 6; n++) {
    const count = draws("a").filter((draw) => draw === n).length;
    // 100 expected, standard deviation 9.
    assert(count > 60 && count < 140, `${n} came ${count} times`);
  }
  const shuffled = new Dice(1, "c").shuffled([1, 2, 3, 4, 5]);
  assertEquals(shuffled.toSorted(), [1, 2, 3, 4, 5]);
});

Deno.test("the distance of sentences counts words put in, taken out and replaced", () => {
  const distance = (a: string, b: string) => wordDistance(a.split(" "), b.split(" "));
  assertEquals(distance("a b c", "a b c"), 0);
  assertEquals(distance("a b c", "a x c"), 1);
  assertEquals(distance("a b b c", "a b c"), 1);
  assertEquals(distance("b c", "a b c d"), 2);
  assertEquals(distance("a b c d", "d c b a"), 4);
  assertEquals(wordDistance([], ["a", "b"]), 2);
});

Deno.test("words of a completion that may be cut at its ends do not count", () => {
  assertEquals(wholeWords("ling of the sea, and s"), ["of", "the", "sea", "and"]);
  assertEquals(wholeWords(" sea's end."), ["sea's", "end"]);
  assertEquals(wholeWords("whale"), []);
});

Deno.test("shares of words tell what is known, what differs and what was copied", () => {
  const text = "the sea was calm and the sea was deep".split(" ");
  const { known, distinct, copied } = wordShares([" the sea was zub the ", " calm calm ."], text);
  assertEquals([known, distinct, copied], [6 / 7, 5 / 7, 1 / 3]);
});

Deno.test("the world has facts of all standings, and strangers are none of its animals", () => {
  const all = facts();
  assertEquals(facts(), all);
  for (const standing of ["asked", "told", "hidden"]) {
    assert(all.filter((fact) => fact.standing === standing).length >= 10, standing);
  }
  assert(all.every(({ animal }) => !STRANGERS.includes(animal)));
  assert(all.every(({ property, value }) => property.values.includes(value)));
});

Deno.test("a passage answers its questions, each with another value", () => {
  const dice = new Dice(1, "test");
  for (let i = 0; i < 50; i++) {
    const { text, asked } = passage(dice);
    assertEquals(new Set(asked.map(({ answer }) => answer)).size, 2);
    for (const { question, answer } of asked) {
      const animal = STRANGERS.find((name) => new RegExp(`\\b${name}\\b`).test(question));
      const line = text.split("\n").find((told) => new RegExp(`\\b${animal}\\b`).test(told));
      assert(line?.includes(answer), `${text} does not answer ${question} with ${answer}`);
    }
  }
});

Deno.test("every poor sentence differs from the good one, which keeps to its house", () => {
  const dice = new Dice(1, "test");
  const kept = new Set<string>();
  const others = new Set<string>();
  for (let i = 0; i < 400; i++) {
    const style = STYLES[i % 2] ?? "British";
    const pair = drawPair(dice, { style, kept: i % 4 < 2 });
    assert(pair.poor !== pair.good);
    assertEquals(styleOf(pair.good), style);
    assertEquals(shots([pair]).split("\n").length, 3);
    // Who has what: the second word without its plural, and the sixth.
    const [, person, , , , thing] = pair.good.split(" ");
    (i % 4 < 2 ? kept : others).add(`${person?.replace(/s$/, "")} ${thing}`);
  }
  assert(kept.isDisjointFrom(others), "A kept sentence came for a document as well");
});
