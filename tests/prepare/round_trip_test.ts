/** Round trips: files of all kinds, both sides of the split, every tokenizer. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { openPrepared } from "../../src/data/prepared/open.ts";
import { inputOf } from "../../src/prepare/inspect.ts";
import { sideOf, splitExtentOf } from "../../src/prepare/split.ts";
import { contents, Desk, jsonLines, someText } from "./fixture.ts";

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

/** A text and some bytes behind it. */
function after(text: string, ...bytes: number[]): Uint8Array {
  return new Uint8Array([bytesOf(text), bytes].flatMap((part) => Array.from(part)));
}

/** Invalid input, and what its error must contain. */
const BAD: Readonly<
  Record<string, readonly [name: string, content: string | Uint8Array, says: string]>
> = {
  "bytes that are no UTF-8": [
    "a.txt",
    after("ü".repeat(400_000), 0xc3, 0x28, 0x0a),
    "a.txt: need UTF-8 text: byte 800001 is not",
  ],
  "bytes that are no UTF-8, packed": [
    "a.txt.gz",
    after("ü".repeat(400_000), 0xff),
    "a.txt.gz: need UTF-8 text: byte 800000 is not",
  ],
  "a character that is cut off": ["a.txt", Uint8Array.of(0x61, 0xe2, 0x82), "byte 3 is not"],
  "a line that is no JSON": [
    "a.jsonl",
    jsonLines(["x"]) + "{\n",
    `a.jsonl: need a JSON object in each line: line 2 (byte 20) is none`,
  ],
  "a line without the field": [
    "a.jsonl",
    '{"body":"x"}',
    'need a text "text" in each line: line 1',
  ],
  "a line whose text is a number": ["a.jsonl", '{"text":1}', "line 1 (byte 0): it is none"],
  "a line that is a list": ["a.jsonl", "[1]", "it is no object"],
  "half of a pair": ["a.jsonl", '{"text":"\\ud83d"}', "line 1 (byte 0) has half of a pair"],
  "UTF-8 that is wrong within a line": [
    "a.jsonl",
    after(jsonLines(["x"]) + '{"text":"', 0xff),
    "a.jsonl: need UTF-8 text: byte 29 is not",
  ],
  "nothing": ["a.txt", "", "need some text"],
};

for (const [what, [name, content, says]] of Object.entries(BAD)) {
  Deno.test(`prepare refuses ${what}`, async () => {
    using desk = new Desk();
    desk.write(name, content);
    const refusal = await assertRejects(
      () => desk.prepare([name], { validation: 0 }),
      UserError,
      says,
    );
    assertEquals(refusal.exit, "data");
    assertEquals(contents(desk.of("out")), new Map());
    // What was refused leaves nothing in the way.
    desk.write("good.txt", "abc\n");
    await desk.prepare(["good.txt"], { validation: 0 });
  });
}

Deno.test("prepare refuses files that are not there, not packed, cut off, or changed meanwhile", async () => {
  using desk = new Desk();
  const noInput = await assertRejects(() => desk.prepare(["a.txt"]), UserError, "there is none");
  assertEquals(noInput.exit, "noInput");
  await assertRejects(() => desk.prepare(["*.txt"]), UserError, "files of such names");
  desk.write("b.txt", "text\n");
  Deno.renameSync(desk.of("b.txt"), desk.of("b.txt.gz"));
  await assertRejects(
    () => desk.prepare(["b.txt.gz"]),
    UserError,
    "b.txt.gz: need a whole gzip file",
  );
  const packed = Deno.readFileSync(desk.write("c.txt.gz", someText(1000)));
  Deno.writeFileSync(desk.of("c.txt.gz"), packed.subarray(0, -9));
  await assertRejects(
    () => desk.prepare(["c.txt.gz"]),
    UserError,
    "c.txt.gz: need a whole gzip file",
  );
  desk.write("d.txt", someText(100));
  const at = (point: string) => {
    if (point === "keep tokenizer") desk.write("d.txt", someText(101));
  };
  await assertRejects(
    () => desk.prepare(["d.txt"], {}, { at }),
    UserError,
    "d.txt: need it as it was",
  );
});

Deno.test("prepare refuses a file whose bytes change between its two readings, whatever its size and time say", async () => {
  const text = someText(3000);
  // A place within the text; in a packed file, what tells when it was packed.
  const files: readonly (readonly [name: string, text: string, at: number])[] = [
    ["a.txt", text, 100],
    ["mark.txt", `\ufeff${text}`, 100],
    ["a.txt.gz", text, 5],
    ["a.jsonl", jsonLines(text.match(/[^]{1,5000}/g) ?? []), 100],
  ];
  for (const [name, content, place] of files) {
    for (const isResumed of [false, true]) {
      using desk = new Desk();
      const path = desk.write(name, content);
      const { mtime } = Deno.statSync(path);
      const options = { tokenizer: "byte", validation: 0, shardTokens: 20_000 };
      const change = () => {
        const bytes = Deno.readFileSync(path);
        Deno.writeFileSync(path, bytes.with(place, (bytes[place] as number) ^ 1));
        Deno.utimeSync(path, mtime as Date, mtime as Date);
      };
      let kept = 0;
      const at = (point: string) => {
        if (!isResumed && point === "keep tokenizer") change();
        // Another process goes on from its first shard.
        if (isResumed && point === "keep progress" && ++kept === 3) throw new Error("killed");
      };
      const act = () => desk.prepare([name], options, { at });
      if (isResumed) {
        await assertRejects(act, Error, "killed");
        change();
      }
      const { exit } = await assertRejects(act, UserError, `${name}: need it as it was`);
      assertEquals(exit, "data", name);
      assert(!contents(desk.of("out")).has("index.json"));
    }
  }
});

Deno.test("prepare refuses a split that leaves a side empty", async () => {
  using desk = new Desk();
  desk.write("a.jsonl", jsonLines(["one"]));
  const side = sideOf(bytesOf("one"), 0.5);
  const [validation, says] = side === "train"
    ? [0.01, "text for validation"]
    : [0.99, "to train on"];
  await assertRejects(() => desk.prepare(["a.jsonl"], { validation }), UserError, says);
});
