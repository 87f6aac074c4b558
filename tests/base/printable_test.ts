/** Escaping of text for terminals, tables and pages. */
import { assert, assertEquals } from "@std/assert";
import { csvTable } from "../../src/base/text/csv.ts";
import { markupText } from "../../src/base/text/markup.ts";
import { oneLine, printable } from "../../src/base/text/printable.ts";
import { csvRows } from "../../src/cli/csv.ts";
import { assertHarmless, HOSTILE, KIND, steers } from "../support/hostile.ts";

Deno.test("printable() writes what steers as JSON does, and leaves all other text", () => {
  assertEquals(printable("a\tb\nç 🐟"), "a\tb\nç 🐟");
  assertEquals(printable("\x1b[2J\r\x7f\x9b\u202e"), "\\u001b[2J\\r\\u007f\\u009b\\u202e");
  for (const text of Object.values(HOSTILE)) assertHarmless(printable(text));
  for (const text of KIND) assertEquals([printable(text), oneLine(text)], [text, text]);
});

Deno.test("oneLine() leaves no character that breaks or steers a line", () => {
  assertEquals(oneLine("a\nb\tc\x1b[2Jd\x9b"), "a\\nb\\tc\\u001b[2Jd\\u009b");
  assertEquals(oneLine("größe #1: \\n"), "größe #1: \\n");
});

Deno.test("printable() changes those characters alone of all that there are", () => {
  for (let code = 0; code <= 0x10ffff; code++) {
    const c = String.fromCodePoint(code);
    if (steers(c) === (printable(c) === c)) throw new Error(`U+${code.toString(16)}`);
  }
});

Deno.test("JSON that was made printable is the same JSON", () => {
  for (const value of [HOSTILE, KIND, { "\x9b\u2028": ["\x7f", 1.5, null] }]) {
    for (const indent of [0, 2]) {
      const shown = printable(JSON.stringify(value, null, indent));
      assertHarmless(shown);
      assertEquals(JSON.parse(shown), value);
    }
  }
});

/** Texts that a spreadsheet evaluates as formulas. */
const FORMULA = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/;

Deno.test("cells of a table are texts or numbers, whatever they hold", () => {
  const texts = [
    ...Object.values(HOSTILE),
    ...KIND,
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    " =1",
    "\n=1",
    "a;=1",
  ];
  for (const text of texts) {
    const table = csvTable([[text, 1.5, text]]);
    assertHarmless(table);
    const [first = "", number, last] =
      csvRows(new TextEncoder().encode(`a,b,c\n${table}`), "t.csv")[1]?.cells ?? [];
    assert(!FORMULA.test(first), first);
    assertEquals([number, last], ["1.5", first]);
    assert(first.endsWith(printable(text)), first);
    // Only quoted cells contain separators.
    assert(/^(?:[^",;\t\n]*|"(?:[^"]|"")*")(?:,(?:[^",;\t\n]*|"(?:[^"]|"")*"))*\n$/.test(table));
  }
});

Deno.test("numbers stay numbers in a table, also as texts, and what is missing stays empty", () => {
  const row = [-1.5, 1e-7, "-3", "+2.5e-3", null, undefined, true, { a: [1] }, "a"];
  assertEquals(csvTable([row]), '-1.5,1e-7,-3,+2.5e-3,,,true,"{""a"":[1]}",a\n');
});

Deno.test("text in markup is text: XML 1.0 allows it, and nothing in it is markup", () => {
  for (const text of [...Object.values(HOSTILE), ...KIND, "\ud800x", "\ufffe\uffff"]) {
    const markup = markupText(text);
    assertHarmless(markup);
    assert(!/[<>"'\ufffe\uffff]/.test(markup) && markup.isWellFormed(), markup);
    assertEquals(markup.replaceAll(/&(amp|lt|gt|quot|#39);/g, "").includes("&"), false);
  }
  assertEquals(markupText(`a<b>&"'`), "a&lt;b&gt;&amp;&quot;&#39;");
});
