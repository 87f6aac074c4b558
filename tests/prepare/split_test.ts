/** Where texts are cut, and on which side documents are. */
import { assert, assertEquals } from "@std/assert";
import { inputOf } from "../../src/prepare/inspect.ts";
import { sideOf, splitExtentOf } from "../../src/prepare/split.ts";
import { Desk } from "./fixture.ts";

Deno.test("extentOf() cuts at the first line of the tail, else at a character, never outside", async () => {
  using desk = new Desk();
  const cases: readonly (readonly [text: string, validation: number, tail: string])[] = [
    ["aaa\nbbb\nccc\nddd\n", 0.5, "ccc\nddd\n"],
    // The place is within a line: the tail begins with the next.
    ["aaa\nbbb\nccc\nddd\n", 0.4, "ddd\n"],
    ["aaa\r\nbbb\r\nccc\r\n", 0.4, "ccc\r\n"],
    // No line begins behind the place.
    ["aaa\nbbb\nccc\nddd\n", 0.1, "\n"],
    ["0123456789", 0.3, "789"],
    ["日日日日日", 0.5, "日日"],
    ["0123456789", 0, ""],
    ["x", 0.1, ""],
    ["xy", 0.9, "y"],
  ];
  for (const [i, [text, validation, tail]] of cases.entries()) {
    const path = desk.write(`${i}.txt`, text);
    const { bytes: end } = await inputOf(path);
    const { start, cut } = await splitExtentOf(await inputOf(path), { start: 0, end, validation });
    const bytes = new TextEncoder().encode(text);
    assertEquals([start, new TextDecoder().decode(bytes.subarray(cut))], [0, tail], text);
  }
});

Deno.test("sideOf() keeps about the fraction that is asked for, more for a larger one", () => {
  const documents = Array.from({ length: 2000 }, (_, i) => new TextEncoder().encode(`text ${i}`));
  const kept = (fraction: number) =>
    new Set(documents.filter((text) => sideOf(text, fraction) === "validation"));
  assertEquals([kept(0).size, kept(1).size], [0, 2000]);
  const [few, more] = [kept(0.1), kept(0.3)];
  // Within four standard deviations of a binomial count.
  assert(Math.abs(few.size - 200) < 4 * Math.sqrt(2000 * 0.09), `${few.size}`);
  assert(Math.abs(more.size - 600) < 4 * Math.sqrt(2000 * 0.21), `${more.size}`);
  assert(few.isSubsetOf(more));
});
