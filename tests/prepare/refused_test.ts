/** Inputs that prepare refuses: invalid, missing or changed files, and empty splits. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { sideOf } from "../../src/prepare/split.ts";
import { contents, Desk, jsonLines, someText } from "./fixture.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** A text followed by some bytes. */
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
