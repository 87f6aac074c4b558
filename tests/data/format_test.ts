/** Binary formats are detected by their first bytes, and text is not mistaken for them. */
import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { gzipSync } from "node:zlib";
import { UserError } from "../../src/base/user_error.ts";
import { foreignFormat, markupFormat, recordKind } from "../../src/data/format.ts";
import { readText, textOfBytes } from "../../src/data/read.ts";
import { Desk } from "../prepare/fixture.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

/** Characters of Latin-1 as bytes. */
const bytesOf = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** A text of Latin letters in UTF-16. */
function utf16(text: string, { mark, big }: { mark: boolean; big: boolean }): Uint8Array {
  const units = Uint16Array.from(mark ? "\ufeff" + text : text, (c) => c.charCodeAt(0));
  return Uint8Array.from([...units].flatMap((u) => big ? [u >> 8, u & 255] : [u & 255, u >> 8]));
}

/** Token ids as nanoGPT writes them. */
const SHORTS = new Uint8Array(Uint16Array.from({ length: 400 }, (_, i) => (7 * i) % 65).buffer);
const INTS = new Uint8Array(Uint32Array.from({ length: 400 }, (_, i) => (7 * i) % 650).buffer);

const TAR = new Uint8Array(1024);
TAR.set(utf8("a.txt"), 0);
TAR.set(utf8("ustar"), 257);

const FOREIGN: Readonly<Record<string, readonly [bytes: Uint8Array, says: string]>> = {
  gzip: [gzipSync("text"), "a gzip file"],
  zip: [bytesOf("PK\x03\x04\x14\0"), "a zip archive, as .zip, .docx"],
  zstd: [bytesOf("\x28\xb5\x2f\xfd\x04"), "packed by zstd"],
  xz: [bytesOf("\xfd7zXZ\0\0"), "packed by xz"],
  bzip2: [bytesOf("BZh91AY&SY\x94\x02"), "packed by bzip2"],
  parquet: [bytesOf("PAR1\x15\x04\x15"), "a Parquet table"],
  pdf: [bytesOf("%PDF-1.7\n%\xe2\xe3"), "a PDF document"],
  "an old Office document": [bytesOf("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "an Office document"],
  sqlite: [bytesOf("SQLite format 3\0"), "an SQLite database"],
  png: [bytesOf("\x89PNG\r\n\x1a\n"), "a picture"],
  numpy: [bytesOf("\x93NUMPY\x01"), "a NumPy array"],
  tar: [TAR, "a tar archive"],
  "a shard": [bytesOf("SHOALTOK\x01\0\0\0"), "a shard of a prepared folder; name its folder"],
  "a pointer of Git LFS": [
    utf8("version https://git-lfs.github.com/spec/v1\noid sha256:00\n"),
    "git lfs pull",
  ],
  "UTF-16": [utf16("text", { mark: true, big: false }), "UTF-16; convert it"],
  "UTF-16, big": [utf16("text", { mark: true, big: true }), "UTF-16; convert it"],
  "UTF-16 without a mark": [
    utf16("some text", { mark: false, big: false }),
    "UTF-16LE; convert it",
  ],
  "UTF-16, big, without a mark": [
    utf16("some text", { mark: false, big: true }),
    "UTF-16BE; convert it",
  ],
  "tokens of two bytes": [SHORTS, "a binary file"],
  "tokens of four bytes": [INTS, "a binary file"],
};

for (const [name, [bytes, says]] of Object.entries(FOREIGN)) {
  Deno.test(`${name} is no text, and every reader says what it is`, async () => {
    assertStringIncludes(foreignFormat(bytes) ?? "nothing", says);
    assertThrows(
      () => textOfBytes(bytes, "it"),
      UserError,
      "Cannot read it: need UTF-8 text: it is ",
    );
    using desk = new Desk();
    // A text suffix does not override the contents.
    desk.write("a.txt", bytes);
    for (const read of [() => readText(desk.of("a.txt")), () => desk.prepare(["a.txt"])]) {
      const { exit, message } = await assertRejects(read, UserError, says);
      assertEquals([exit, message.includes("\n")], ["data", false]);
      assertStringIncludes(message, `Cannot read ${desk.of("a.txt")}: need UTF-8 text: it is `);
    }
  });
}

Deno.test("texts are texts, whatever they begin with and however odd", () => {
  const texts = [
    "",
    "a",
    "PAR1 is where a Parquet file begins\n",
    "BZh is where bzip2 begins\n".repeat(100),
    "GGUF, GIF8, ARROW1 and FEA1\n",
    "PK and \x1b[31mred\x1b[0m \x07 \x08\f\v",
    "a log that was cut" + "\0".repeat(3000) + "and went on\n",
    "\0".repeat(3000),
    "names\0that are\0listed by find -print0, of twenty characters\0".repeat(20),
    "an old text of DOS\x1a",
    "日本語 🐋 ü",
    "\ufeffmarked",
  ];
  for (const text of texts) assertEquals(foreignFormat(utf8(text)), undefined, text.slice(0, 20));
});

Deno.test("names tell records and tables, packed or not, and nothing else", () => {
  const kinds = ["a.jsonl", "b/c.NDJSON.gz", "x.jsonlines", "a.json", "a.json.gz", "a.txt", "json"];
  assertEquals(kinds.map(recordKind), [
    "jsonl",
    "jsonl",
    "jsonl",
    "json",
    "json",
    undefined,
    undefined,
  ]);
  const tables = ["a.csv", "a.TSV", "b.html", "b.csv.gz"];
  for (const name of tables) assertStringIncludes(markupFormat(name) ?? "none", "name it .txt");
  const texts = ["a.txt", "a.md", "csv", "a.csv.txt", "a.py", "a.txt.gz", "html/a.txt"];
  for (const name of texts) assertEquals(markupFormat(name), undefined, name);
});

Deno.test("readText() names prepare for what prepare reads, and refuses tables", async () => {
  using desk = new Desk();
  const files: readonly (readonly [name: string, says: string])[] = [
    ["a.jsonl", "it is a file of JSON records; run deno task prepare "],
    ["a.ndjson", "it is a file of JSON records; run deno task prepare "],
    ["a.json", "it is a file of JSON records; run deno task prepare "],
    ["a.txt.gz", "it is a gzip file; run deno task prepare "],
    ["a folder", "it is a directory; run deno task prepare '"],
    ["a.csv", "it is a table; write its texts as lines of JSON"],
    ["a.html", "it is a web page"],
  ];
  Deno.mkdirSync(desk.of("a folder"));
  for (const [name, says] of files) {
    if (name !== "a folder") desk.write(name, '{"text": "a"}\n');
    const { exit } = await assertRejects(() => readText(desk.of(name)), UserError, says);
    assertEquals(exit, "data", name);
    const none = "none" + name.replaceAll(" ", "");
    const missing = await assertRejects(() => readText(desk.of(none)), UserError, "there is none");
    assertEquals(missing.exit, "noInput");
  }
});
