/** Round trips: files of all kinds, both sides of the split, every tokenizer. */
import { assert, assertEquals } from "@std/assert";
import { openPrepared } from "../../src/data/prepared/open.ts";
import { inputOf } from "../../src/prepare/inspect.ts";
import { sideOf, splitExtentOf } from "../../src/prepare/split.ts";
import { Desk, jsonLines, someText } from "./fixture.ts";

/** Where a text file is cut. */
async function cutOf(path: string): Promise<number> {
  const input = await inputOf(path);
  return (await splitExtentOf(input, { start: 0, end: input.bytes, validation: 0.1 })).cut;
}

/** A text cut at a byte. */
function halves(text: string, cut: number): [string, string] {
  const bytes = bytesOf(text);
  const decode = (part: Uint8Array) => new TextDecoder("utf-8", { fatal: true }).decode(part);
  return [decode(bytes.subarray(0, cut)), decode(bytes.subarray(cut))];
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

for (const tokenizer of ["char", "byte"]) {
  Deno.test(`prepare: a text by ${tokenizer} is its training part and, from a line on, its tail`, async () => {
    using desk = new Desk();
    const text = someText(3000);
    desk.write("a.txt", text);
    await desk.prepare(["a.txt"], { tokenizer });
    const [train = "", ...none] = desk.documents("train");
    const [tail = "", ...nothing] = desk.documents("validation");
    assertEquals([none, nothing, train + tail === text], [[], [], true]);
    assert(train.endsWith("\n"));
    const share = bytesOf(tail).length / bytesOf(text).length;
    assert(share > 0.098 && share <= 0.1, `${share}`);
    const { train: side, validation } = desk.index();
    assertEquals(side.bytes + validation.bytes, bytesOf(text).length);
    assertEquals(side.characters + validation.characters, [...text].length);
    assertEquals([side.documents, validation.documents], [1, 1]);
  });
}

for (const tokenizer of ["char", "byte", "word", "word:30", "gpt2", "bpe:300"]) {
  Deno.test(`prepare: tokens by ${tokenizer} are those of each whole document, whatever the pieces`, async () => {
    using desk = new Desk();
    const texts = [
      someText(30_000, 3),
      ...Array.from({ length: 50 }, (_, i) => someText(3, i + 1)),
    ];
    desk.write("a.txt", texts[0] ?? "");
    desk.write("b.jsonl", jsonLines(texts.slice(1)));
    await desk.prepare(["a.txt", "b.jsonl"], { tokenizer, shardTokens: 30_000 });
    const { tokenizer: made } = openPrepared(desk.of("out"));
    assert(made.end !== undefined);
    const [head, tail] = halves(texts[0] ?? "", await cutOf(desk.of("a.txt")));
    const sides = { train: [head], validation: [tail] };
    for (const text of texts.slice(1)) sides[sideOf(bytesOf(text), 0.1)].push(text);
    for (const part of ["train", "validation"] as const) {
      const expected = sides[part].flatMap((text) => [...made.encode(text), made.end as number]);
      const tokens = desk.tokens(part);
      assertEquals([tokens.length, tokens.every((id, i) => id === expected[i])], [
        expected.length,
        true,
      ]);
      assertEquals(desk.index()[part].documents, sides[part].length);
    }
  });
}

Deno.test("prepare: words do not run on from a document to the next", async () => {
  using desk = new Desk();
  desk.write("a.jsonl", jsonLines(Array.from({ length: 40 }, (_, i) => `one of ${i}`)));
  for (const tokenizer of ["word", "bpe:400"]) {
    await desk.prepare(["a.jsonl"], { tokenizer, out: tokenizer, validation: 0 });
    const { tokenizer: made } = openPrepared(desk.of(tokenizer));
    const tokens = Array.from({ length: made.size }, (_, id) => made.decode([id]));
    assertEquals(tokens.filter((token) => /\done/.test(token)), []);
  }
});

Deno.test("prepare: a text without lines is cut between two characters", async () => {
  using desk = new Desk();
  const text = "🐋ü".repeat(33) + "x";
  desk.write("a.txt", text);
  for (let percent = 1; percent < 100; percent += 14) {
    const out = `out${percent}`;
    await desk.prepare(["a.txt"], { out, tokenizer: "byte", validation: percent / 100 });
    const parts = [desk.documents("train", out), desk.documents("validation", out)];
    assertEquals(parts.flat().join(""), text);
    assert(!parts.flat().join("").includes("\ufffd"));
  }
});

Deno.test("prepare: a byte order mark at the start of a file is no text, one behind it is", async () => {
  using desk = new Desk();
  desk.write("a.txt", "\ufeffone\n\ufefftwo\n");
  desk.write("b.jsonl", "\ufeff" + jsonLines(["three"]));
  await desk.prepare(["a.txt", "b.jsonl"], { validation: 0 });
  assertEquals(desk.documents("train"), ["one\n\ufefftwo\n", "three"]);
});

Deno.test("prepare: lines of JSON are documents, on the side that the hash of their text says", async () => {
  using desk = new Desk();
  const texts = Array.from(
    { length: 300 },
    (_, i) => `document ${i} \u2028 of\nlines ${"x".repeat(i)}`,
  );
  desk.write("a.jsonl", jsonLines(texts, "content") + "\n  \n");
  await desk.prepare(["a.jsonl"], { field: "content", validation: 0.2 });
  const [train, validation] = [desk.documents("train"), desk.documents("validation")];
  assertEquals(train, texts.filter((text) => sideOf(bytesOf(text), 0.2) === "train"));
  assertEquals(validation, texts.filter((text) => sideOf(bytesOf(text), 0.2) === "validation"));
  assert(validation.length > 40 && validation.length < 80, `${validation.length}`);
  const { train: side } = desk.index();
  assertEquals(side.documents, train.length);
  assertEquals(side.tokens, side.characters + side.documents);
});

Deno.test("prepare: a document stays on its side whatever else is there and however files are named", async () => {
  using desk = new Desk();
  const texts = Array.from({ length: 100 }, (_, i) => `text ${i}`);
  desk.write("a.jsonl", jsonLines(texts.slice(0, 50)));
  desk.write("b.jsonl", jsonLines(texts.slice(50)));
  desk.write("z.jsonl", jsonLines(texts.slice(0, 50)));
  await desk.prepare(["a.jsonl", "b.jsonl"], { out: "first" });
  await desk.prepare(["b.jsonl", "z.jsonl"], { out: "second" });
  const sorted = (part: "train" | "validation", out: string) => desk.documents(part, out).sort();
  assertEquals(sorted("validation", "first"), sorted("validation", "second"));
  assertEquals(sorted("train", "first"), sorted("train", "second"));
});

Deno.test("prepare: the order of files on the command line, folders and patterns are all one", async () => {
  using desk = new Desk();
  desk.write("in/a.txt", someText(50, 2));
  desk.write("in/deep/b.txt", someText(50, 3));
  desk.write("in/c.md", "not taken from a folder");
  const hashes = new Set<string>();
  for (
    const [i, names] of [
      ["in/a.txt", "in/deep/b.txt"],
      ["in/deep/b.txt", "in/a.txt", "in/./a.txt"],
      ["in"],
      ["in/**/*.txt"],
      ["in/*.txt", "in/deep/?.{txt,jsonl}"],
    ].entries()
  ) {
    const { index } = await desk.prepare(names, { out: `out${i}` });
    hashes.add(index?.hash ?? "");
    assertEquals(index?.inputs.length, 2);
  }
  assertEquals(hashes.size, 1);
});

Deno.test("prepare: a gzip file is what is packed in it, joined of several or not", async () => {
  using desk = new Desk();
  const text = someText(2000);
  const lines = jsonLines([someText(30, 4), someText(40, 5)]);
  desk.write("plain/a.txt", text);
  desk.write("plain/b.jsonl", lines);
  desk.write("packed/a.txt.gz", text);
  desk.write("packed/b.jsonl.gz", lines);
  const halves = [text.slice(0, 999), text.slice(999)];
  const joined = halves.map((half, i) => Deno.readFileSync(desk.write(`half${i}.gz`, half)));
  desk.write("joined/a.txt", "");
  Deno.removeSync(desk.of("joined/a.txt"));
  Deno.writeFileSync(desk.of("joined/a.txt.gz"), Uint8Array.from(joined.flatMap((b) => [...b])));
  desk.write("joined/b.jsonl.gz", lines);
  const hashes: (string | undefined)[] = [];
  for (const folder of ["plain", "packed", "joined"]) {
    hashes.push((await desk.prepare([folder], { out: `out-${folder}` })).index?.hash);
  }
  assertEquals(new Set(hashes).size, 1);
});

Deno.test("prepare: a text between documents splits them and becomes no token", async () => {
  using desk = new Desk();
  const texts = Array.from({ length: 60 }, (_, i) => `story <| ${i}\n`);
  desk.write("a.txt", texts.join("<|endoftext|>"));
  await desk.prepare(["a.txt"], { documentEnd: "<|endoftext|>", tokenizer: "byte" });
  const both = [...desk.documents("train"), ...desk.documents("validation")];
  assertEquals(both.sort(), texts.sort());
  assertEquals(openPrepared(desk.of("out")).tokenizer.end, 256);
});

Deno.test("prepare: documents end with a token where asked, on both sides", async () => {
  using desk = new Desk();
  desk.write("a.txt", "one\ntwo\nthree\nfour\n");
  desk.write("b.txt", "five\nsix\nseven\neight\n");
  await desk.prepare(["a.txt", "b.txt"], { ends: true, validation: 0.3 });
  const { tokenizer } = openPrepared(desk.of("out"));
  for (const part of ["train", "validation"] as const) {
    const tokens = desk.tokens(part);
    assertEquals(tokens.at(-1), tokenizer.end);
    assertEquals(desk.documents(part).length, 2);
  }
  await desk.prepare(["a.txt", "b.txt"], { out: "plain" });
  assertEquals(openPrepared(desk.of("plain")).tokenizer.end, undefined);
});

Deno.test("prepare: how tokens are cut into shards changes no token and no hash", async () => {
  using desk = new Desk();
  desk.write("a.txt", someText(20_000));
  desk.write("b.jsonl", jsonLines(Array.from({ length: 400 }, (_, i) => someText(9, i + 7))));
  const names = ["a.txt", "b.jsonl"];
  await desk.prepare(names, { out: "one" });
  await desk.prepare(names, { out: "many", shardTokens: 50_000 });
  assertEquals(desk.index("one").train.shards.length, 1);
  assert(desk.index("many").train.shards.length > 2);
  assertEquals(desk.index("many").hash, desk.index("one").hash);
  for (const part of ["train", "validation"] as const) {
    const [many, one] = [desk.tokens(part, "many"), desk.tokens(part, "one")];
    assertEquals([many.length, many.every((id, i) => id === one[i])], [one.length, true]);
  }
});

Deno.test("prepare: a document longer than a piece is cut where the tokenizer may", async () => {
  using desk = new Desk();
  const long = someText(20_000);
  desk.write("a.jsonl", jsonLines([long, "short"]));
  await desk.prepare(["a.jsonl"], { tokenizer: "byte", validation: 0 });
  assertEquals(desk.documents("train").map((text) => text === long), [true, false]);
});
