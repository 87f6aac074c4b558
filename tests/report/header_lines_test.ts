import { assertEquals } from "@std/assert";
import { headerLines } from "../../src/report/header_lines.ts";
import { wrap } from "../../src/report/wrap.ts";

Deno.test("headerLines() aligns the texts after the names, with hanging indents", () => {
  const rows = [["run", "tiny"], ["keys", "optim.lr=0.01 data.seq_len=64 seed=7"]] as const;
  assertEquals(headerLines(rows, 36), [
    "run   tiny",
    "keys  optim.lr=0.01 data.seq_len=64",
    "      seed=7",
  ]);
  assertEquals(headerLines(rows, Infinity).length, 2);
  assertEquals(headerLines([["folder", "a\x1b[2J\nb"]], 80), ["folder  a\\u001b[2J b"]);
});

Deno.test("wrap() cuts at spaces and a word that is too long, and loses nothing else", () => {
  assertEquals(wrap("", 5), [""]);
  assertEquals(wrap("four five", 9), ["four five"]);
  assertEquals(wrap("four five six", 9), ["four five", "six"]);
  assertEquals(wrap("unbreakable word", 6), ["unbrea", "kable", "word"]);
  assertEquals(wrap("  two  spaces", 80), ["  two  spaces"]);
  const text = "call me ishmael some years ago never mind how long precisely";
  for (let width = 3; width < 70; width++) {
    const lines = wrap(text, width);
    assertEquals(lines.every((line) => line.length <= width), true, `${width}`);
    assertEquals(lines.join("").replaceAll(" ", ""), text.replaceAll(" ", ""));
  }
});
