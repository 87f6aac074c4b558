/** Document ends: found in the text for every tokenizer, or refused. */
import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { encodeShardHeader, endsOffset } from "../../src/data/prepared/header.ts";
import { Shard } from "../../src/data/prepared/shard.ts";
import { unescaped } from "../../src/data/document_end.ts";
import { documentStarts } from "../../src/data/documents.ts";
import { END_TEXT } from "../../src/data/tokenizers/types.ts";
import type { Tokens } from "../../src/data/tokens.ts";
import { UserError } from "../../src/base/user_error.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import { readData } from "../../src/corpus/data.ts";
import { receiveTexts, sendTexts } from "../../src/corpus/sent_texts.ts";
import { Desk, jsonLines } from "../prepare/fixture.ts";

/** 180 short paragraphs of words that come often, each with a number of its own. */
const PARAGRAPHS = Array.from(
  { length: 180 },
  (_, i) => `The whale no. ${i % 7} swam past the ship${i % 3 ? "." : '."'}`,
);

interface Asked {
  readonly path: string | null;
  readonly end: string;
  readonly tokenizer?: string | null;
}

function read({ path, end, tokenizer = null }: Asked) {
  const data = { path, tokenizer, document_end: end, document_mask: true, seq_len: 8 };
  return readData(resolveConfig({ data }));
}

const begins = ({ documents }: Tokens): number[] => {
  const all: number[] = [];
  for (let at = 0; (at = documents?.after(at) ?? Infinity) < Infinity;) all.push(at);
  return all;
};

/** The documents of both parts as texts, their ends included. */
async function documentsOf(asked: Asked): Promise<string[]> {
  const { corpus: { texts: [text], tokenizer } } = await read(asked);
  if (text === undefined || tokenizer === undefined) throw new TypeError("need a text");
  // A document may lie on both sides.
  const [head, tail] = [text.train, text.validation];
  const all = new Uint32Array(head.length + tail.length);
  head.read(0, all.subarray(0, head.length));
  tail.read(0, all.subarray(head.length));
  const places = [...begins(head), ...begins(tail).map((place) => place + head.length)];
  return [0, ...places].map((from, i) => tokenizer.decode(all.subarray(from, places[i])))
    .filter((document) => document !== "");
}

for (const tokenizer of ["char", "byte", "gpt2", "bpe:300"]) {
  for (const end of ["\n\n", "\r\n\r\n", "\n--- 8< ---\n", "aa"]) {
    Deno.test(`${tokenizer}: each ${JSON.stringify(end)} of a text file ends a document, and nothing else`, async () => {
      using desk = new Desk();
      const path = desk.write("a.txt", PARAGRAPHS.map((text) => text + end).join(""));
      const found = await documentsOf({ path, end, tokenizer });
      assertEquals(found, PARAGRAPHS.map((text) => text + end));
    });
  }

  Deno.test(`${tokenizer}: ${END_TEXT} in a text file is the end token, one for each document`, async () => {
    using desk = new Desk();
    const path = desk.write("a.txt", PARAGRAPHS.map((text) => text + END_TEXT).join(""));
    const { corpus: { texts: [text], tokenizer: made } } = await read({
      path,
      end: END_TEXT,
      tokenizer,
    });
    const ids = new Uint32Array(text?.train.length ?? 0);
    text?.train.read(0, ids);
    const places = [...ids.keys()].filter((i) => ids[i] === made?.end).map((i) => i + 1);
    assertEquals(places, begins(text?.train as Tokens));
    assertEquals(await documentsOf({ path, end: END_TEXT, tokenizer }), PARAGRAPHS);
  });
}

Deno.test("words: a document of several lines ends where its end stands, not at each line", async () => {
  using desk = new Desk();
  const path = desk.write("a.txt", "one two\nthree\n\nfour\nfive\n\n".repeat(20));
  const documents = ["one two\nthree\n\n", "four\nfive\n\n"];
  const all = Array.from({ length: 40 }, (_, i) => documents[i % 2] as string);
  assertEquals(await documentsOf({ path, end: "\n\n", tokenizer: "word" }), all);
  // The word tokenizer emits the end token at each line end.
  const lines = await documentsOf({ path, end: END_TEXT, tokenizer: "word" });
  assertEquals(lines.slice(0, 3), ["one two\n", "three\n", "\n"]);
});

Deno.test("the default text has 2,789 ends of paragraphs for GPT-2, and a run says so", async () => {
  const { corpus, notes } = await read({ path: null, end: "\\n\\n", tokenizer: "gpt2" });
  const [text] = corpus.texts;
  const count = 2789;
  assertEquals(
    begins(text?.train as Tokens).length + begins(text?.validation as Tokens).length,
    count,
  );
  assertEquals(notes, [`"\\n\\n" ends ${count} documents of the default text`]);
});

Deno.test("windows that begin inside an end of several tokens see it", async () => {
  using desk = new Desk();
  const path = desk.write("a.txt", PARAGRAPHS.join("\n\n\n\n"));
  const { corpus: { texts: [text] } } = await read({ path, end: "\n\n\n\n", tokenizer: "byte" });
  const tokens = text?.train as Tokens;
  const places = begins(tokens);
  for (const place of places.slice(0, 20)) {
    for (const back of [1, 2, 3]) {
      const rows = [{ tokens, start: place - back }];
      assertEquals([...documentStarts(rows, { window: 5, windows: 1 })].indexOf(back), back);
    }
  }
});

Deno.test("\\n and the like in an end are one character each", () => {
  assertEquals(unescaped("\\n\\n"), "\n\n");
  assertEquals(unescaped("\\r\\n\\t|"), "\r\n\t|");
  assertEquals(unescaped("\\\\n"), "\\n");
  assertEquals(unescaped("\\end{x}"), "\\end{x}");
});

Deno.test("an end that occurs nowhere is refused, with what may be meant", async () => {
  using desk = new Desk();
  const [lf, crlf] = [PARAGRAPHS.join("\n\n"), PARAGRAPHS.join("\r\n\r\n")];
  const cases = [
    { text: lf, end: "###", says: '"###" (OPTION) between them: it occurs nowhere' },
    { text: crlf, end: "\n\n", says: 'its lines end with CR LF: give "\\r\\n\\r\\n"' },
    { text: crlf, end: "\\n\\n", says: 'its lines end with CR LF: give "\\r\\n\\r\\n"' },
    { text: lf, end: "\r\n\r\n", says: 'its lines end with LF alone: give "\\n\\n"' },
    { text: lf, end: "\\\\n", says: "stand for one character each" },
    { text: lf, end: END_TEXT, says: "give the text that does stand there" },
  ];
  for (const { text, end, says } of cases) {
    const path = desk.write("a.txt", text);
    for (const tokenizer of ["char", "gpt2"]) {
      const { exit, message } = await assertRejects(
        () => read({ path, end, tokenizer }),
        UserError,
      );
      assertEquals(exit, "data");
      assertStringIncludes(message, says.replace("OPTION", "data.document_end"));
    }
    const prepared = () => desk.prepare(["a.txt"], { out: "none", documentEnd: end });
    const { exit, message } = await assertRejects(prepared, UserError);
    assertEquals(exit, "data");
    assertStringIncludes(message, says.replace("OPTION", "--document-end"));
  }
  desk.write("rows.jsonl", jsonLines(["a", "b"]));
  const rows = () => desk.prepare(["rows.jsonl"], { documentEnd: "\n\n" });
  await assertRejects(rows, UserError, "need a text file");
});

for (const tokenizer of ["byte", "word", "gpt2"]) {
  for (const ends of [true, false]) {
    Deno.test(`a folder knows its documents by ${tokenizer}, ${ends ? "with" : "without"} end tokens, over shards`, async () => {
      using desk = new Desk();
      const texts = PARAGRAPHS.map((text, i) => text.replace(" swam", "\nswam") + ` ${i % 5}.`);
      desk.write("a.txt", texts.join("\n\n"));
      const documentEnd = "\\n\\n";
      await desk.prepare(["a.txt"], {
        tokenizer,
        documentEnd,
        ends,
        shardTokens: 400,
        validation: 0.3,
      });
      const path = desk.of("out");
      for (const end of [END_TEXT, "\n\n", "\\n\\n"]) {
        const all = (await documentsOf({ path, end })).map((text) => text.replace(/\n$/, ""));
        assertEquals(all.toSorted(), texts.toSorted());
      }
      const says = `need data.document_end=${END_TEXT} or "\\n\\n"`;
      await assertRejects(() => read({ path, end: "." }), UserError, says);
    });
  }
}

Deno.test("a folder of one document, and one that was prepared for no end, are refused", async () => {
  using desk = new Desk();
  desk.write("a.txt", PARAGRAPHS.join("\n\n"));
  await desk.prepare(["a.txt"], { tokenizer: "gpt2" });
  const one = () => read({ path: desk.of("out"), end: END_TEXT });
  await assertRejects(one, UserError, "prepare it again with --document-end");
  const other = () => read({ path: desk.of("out"), end: "\n\n" });
  await assertRejects(other, UserError, "its text is tokens already");
});

Deno.test("shards of version 1 tell documents by their end token, or ask for another preparation", async () => {
  using desk = new Desk();
  desk.write("a.txt", PARAGRAPHS.join("\n\n"));
  const old = async (out: string, tokenizer: string, ends: boolean) => {
    await desk.prepare(["a.txt"], { out, tokenizer, ends, documentEnd: "\n\n", validation: 0.3 });
    const { tokenizer: own, train, validation } = desk.index(out);
    for (const shard of [...train.shards, ...validation.shards]) {
      const path = desk.of(`${out}/${shard.file}`);
      using open = new Shard(desk.of(out), { ...own, shard, tokenizerHash: own.hash });
      const { ends: _, ...head } = open.head;
      const bytes = Deno.readFileSync(path).slice(0, endsOffset(head));
      bytes.set(encodeShardHeader(head));
      Deno.writeFileSync(path, bytes);
    }
    return desk.of(out);
  };
  const path = await old("gpt2", "gpt2", true);
  assertEquals(new Set(await documentsOf({ path, end: END_TEXT })), new Set(PARAGRAPHS));
  for (
    const [out, tokenizer, ends] of [["words", "word", true], ["none", "byte", false]] as const
  ) {
    const asked = { path: await old(out, tokenizer, ends), end: END_TEXT };
    const { exit } = await assertRejects(() => read(asked), UserError, "prepare it again");
    assertEquals(exit, "data");
  }
});

Deno.test("workers are told where the documents of texts in memory begin", async () => {
  using desk = new Desk();
  const path = desk.write("a.txt", PARAGRAPHS.join("\n\n"));
  const { corpus: { texts } } = await read({ path, end: "\n\n", tokenizer: "gpt2" });
  const { texts: sent, tokens } = sendTexts(texts);
  const [received] = receiveTexts(sent, tokens);
  for (const part of ["train", "validation"] as const) {
    assertEquals(begins(received?.[part] as Tokens), begins(texts[0]?.[part] as Tokens));
  }
  assertThrows(() => received?.validation.read(0, new Uint32Array(1 << 20)), RangeError);
});
