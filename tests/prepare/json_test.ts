/** JSON in each form that texts come in: records are documents, and nothing of JSON becomes a token. */
import { assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { contents, Desk, jsonLines } from "./fixture.ts";

const TEXTS = Array.from({ length: 60 }, (_, i) => `text ${i}, "quoted" \\ [in] {line}\n, ü 🐋`);

const rows = (texts: readonly string[], field = "text") =>
  texts.map((text, id) => ({ id, nested: { list: [1, [2]] }, [field]: text }));

/** Files that hold the same texts. */
const SAME: Readonly<Record<string, string>> = {
  "lines.jsonl": jsonLines(TEXTS),
  "lines.ndjson": jsonLines(TEXTS),
  "lines.jsonlines": jsonLines(TEXTS),
  "lines of texts.jsonl": TEXTS.map((text) => JSON.stringify(text) + "\n").join(""),
  "marked.jsonl": "\ufeff" + jsonLines(TEXTS),
  "of Windows.jsonl": jsonLines(TEXTS).replaceAll("\n", "\r\n"),
  "packed.ndjson.gz": jsonLines(TEXTS),
  "array.json": JSON.stringify(rows(TEXTS)),
  "array in lines.json": JSON.stringify(rows(TEXTS), null, 2) + "\n",
  "array of texts.json": JSON.stringify(TEXTS),
  "marked array.json": "\ufeff \n" + JSON.stringify(rows(TEXTS)),
  "packed array.json.gz": JSON.stringify(rows(TEXTS)),
  "lines.json": jsonLines(TEXTS),
  "values.json": rows(TEXTS).map((row) => JSON.stringify(row, null, 2)).join("\n\n"),
};

for (const [name, content] of Object.entries(SAME)) {
  Deno.test(`prepare: ${name} holds the documents of lines of JSON`, async () => {
    using desk = new Desk();
    desk.write("expected.jsonl", jsonLines(TEXTS));
    const { index: expected } = await desk.prepare(["expected.jsonl"], { out: "expected" });
    desk.write(name, content);
    const { index } = await desk.prepare([name]);
    assertEquals(index?.hash, expected?.hash);
    assertEquals(index?.train.documents, expected?.train.documents);
  });
}

Deno.test("prepare: one object is one document, and its key may be another", async () => {
  using desk = new Desk();
  desk.write("a.json", JSON.stringify({ content: "one\ntext" }));
  await desk.prepare(["a.json"], { field: "content", validation: 0 });
  assertEquals(desk.documents("train"), ["one\ntext"]);
});

Deno.test("prepare: items of an array may be longer than what is read at once", async () => {
  using desk = new Desk();
  const long = Array.from({ length: 4 }, (_, i) => `${i} whales\n`.repeat(100_000 + 7 * i));
  desk.write("a.json", JSON.stringify(rows(long), null, 1));
  desk.write("a.jsonl", jsonLines(long));
  const options = { tokenizer: "byte", validation: 0 };
  await desk.prepare(["a.json"], { ...options, out: "array" });
  await desk.prepare(["a.jsonl"], { ...options, out: "lines" });
  assertEquals(desk.index("array").hash, desk.index("lines").hash);
});

/** Bad JSON, and what is said of it. */
const BAD: Readonly<Record<string, readonly [name: string, content: string, says: string]>> = {
  "an array that is cut off": ["a.json", '[{"text": "a"}, ', "need a ] at the end: it is cut off"],
  "an item that is cut off": ["a.json", '[{"text": "a"}, {"te', "byte 16: need a value that ends"],
  "text behind an array": ["a.json", '["a"] x', "byte 6: need nothing behind the array"],
  "items without a comma": ["a.json", '["a" "b"]', "byte 5: need a comma or a ]"],
  "an array of numbers": ["a.json", "[1, 2]", "record 1 (byte 1): it is no object"],
  "an item that is no JSON": ["a.json", '["a", {text: 1}]', "record 2 (byte 6) is none"],
  "an object without the key": [
    "a.json",
    '{"version": 1, "data": []}',
    "it has none; --field=KEY takes another of its keys: version, data",
  ],
  "a text in a .json": ["a.json", "Call me Ishmael.", "record 1 (byte 0) is none"],
  "an array over lines named as lines": [
    "a.jsonl",
    '[\n{"text": "a"}\n]',
    "line 1 (byte 0) is none",
  ],
  "an array of nothing": ["a.json", "[]", "need some text"],
};

for (const [what, [name, content, says]] of Object.entries(BAD)) {
  Deno.test(`prepare refuses ${what}`, async () => {
    using desk = new Desk();
    desk.write(name, content);
    const refused = () => desk.prepare([name], { validation: 0 });
    assertEquals((await assertRejects(refused, UserError, says)).exit, "data");
    assertEquals(contents(desk.of("out")), new Map());
  });
}

Deno.test("prepare refuses an option that no input has a use for, before anything is made", async () => {
  using desk = new Desk();
  desk.write("a.txt", "whale\n".repeat(50));
  desk.write("a.jsonl", jsonLines(TEXTS));
  desk.write("b.json", JSON.stringify(TEXTS));
  const refusals = [
    { names: ["a.txt"], options: { field: "text" }, says: "Cannot take --field=text" },
    {
      names: ["a.jsonl"],
      options: { documentEnd: "\n" },
      says: "(--document-end): need a text file",
    },
    {
      names: ["b.json"],
      options: { documentEnd: "\n" },
      says: "(--document-end): need a text file",
    },
  ];
  for (const { names, options, says } of refusals) {
    const { exit } = await assertRejects(() => desk.prepare(names, options), UserError, says);
    assertEquals(exit, "config");
    assertEquals(Deno.readDirSync(desk.path).some(({ name }) => name === "out"), false);
  }
  await desk.prepare(["a.txt", "a.jsonl"], { field: "text", documentEnd: "e\nwhale" });
  // A text has no keys: whoever names one meant objects.
  const refused = () => desk.prepare(["b.json"], { out: "other", field: "body" });
  await assertRejects(refused, UserError, "it is no object");
});
