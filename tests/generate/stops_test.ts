/** A stop text is found however it is cut into pieces, and no part of it is ever shown. */
import { assertEquals, assertThrows } from "@std/assert";
import { StopScan } from "../../src/generate/stops.ts";

/** What is shown after each piece, then at the end, and the stop text that came. */
function scan(stops: string[], pieces: string[]): [string[], string, string | undefined] {
  const scan = new StopScan(stops);
  const shown = pieces.map((piece) => scan.push(piece));
  return [shown, scan.flush(), scan.found];
}

Deno.test("StopScan holds back what may begin a stop text and lets go of the rest", () => {
  assertEquals(scan(["END"], ["a", "bE", "N", "x", "E"]), [
    ["a", "b", "", "ENx", ""],
    "E",
    undefined,
  ]);
  assertEquals(scan(["END"], ["aE", "ND", "more"]), [["a", "", ""], "", "END"]);
  assertEquals(scan([], ["a", "b"]), [["a", "b"], "", undefined]);
  assertEquals(scan(["\n\n"], ["a\n", "b\n", "\nc"]), [["a", "\nb", ""], "", "\n\n"]);
});

Deno.test("StopScan knows stop texts that begin within themselves or another", () => {
  assertEquals(scan(["aab"], ["a", "a", "a", "b"]), [["", "", "a", ""], "", "aab"]);
  assertEquals(scan(["abc", "bd"], ["ab", "d!"]), [["", "a"], "", "bd"]);
  assertEquals(scan(["cd", "bcd"], ["abcd"]), [["a"], "", "bcd"]);
  assertEquals(scan(["x", "xy"], ["axy"]), [["a"], "", "x"]);
});

Deno.test("StopScan shows the same text wherever the text is cut", () => {
  const text = "one two\nthree STOP four";
  for (let i = 0; i <= text.length; i++) {
    for (let j = i; j <= text.length; j++) {
      const pieces = [text.slice(0, i), text.slice(i, j), text.slice(j)];
      const [shown, rest, found] = scan(["STOP", "TOP!"], pieces);
      assertEquals([shown.join("") + rest, found], ["one two\nthree ", "STOP"]);
    }
  }
});

Deno.test("StopScan refuses an empty text to stop at", () => {
  assertThrows(() => new StopScan(["a", ""]), RangeError, "Cannot stop: need a text");
});
