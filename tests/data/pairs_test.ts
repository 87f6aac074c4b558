/** Pairs: how files are read, how they become tokens, and batches of them. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { IGNORE } from "../../src/base/ignore.ts";
import { rootKey } from "../../src/base/random.ts";
import { UserError } from "../../src/base/user_error.ts";
import { encodePairs, isHeldOut, SIDE_END, SIDE_PAD } from "../../src/data/pairs/encode.ts";
import { alignedPairs, type Pair, parsePairs } from "../../src/data/pairs/parse.ts";
import type { Source } from "../../src/data/source.ts";
import { sourceOf, taskOf } from "../../src/data/sources/mod.ts";
import { textIn } from "../../src/data/text.ts";
import { charTokenizer } from "../../src/data/tokenizers/char.ts";
import { tokenizerFrom, tokenizerHash } from "../../src/data/tokenizers/mod.ts";
import { sidesTokenizer } from "../../src/data/tokenizers/sides/sides.ts";
import { withSpecialTokens } from "../../src/data/tokenizers/special/special.ts";
import { wordTokenizer } from "../../src/data/tokenizers/word.ts";
import { addresses, dataConfig, rowsOf } from "./sources/fixture.ts";

const refused = (text: string, says: string) =>
  assertThrows(() => parsePairs(text, "p.tsv"), UserError, says);

Deno.test("pairs are lines with a tab, or JSON lines", () => {
  const pairs = [{ source: "a b", target: "A" }, { source: "c", target: "C D" }];
  assertEquals(parsePairs("a b\tA\n\nc\tC D\r\n", "p.tsv"), pairs);
  const json = pairs.map((pair) => JSON.stringify({ ...pair, id: 1 })).join("\n");
  assertEquals(parsePairs(json, "p.jsonl"), pairs);
  assertEquals(alignedPairs(["a b\nc\n", "A\nC D"], ["a", "b"]), pairs);
});

Deno.test("a line that is no pair is named by its number", () => {
  refused("a\tb\nc\n", "line 2: need source and target with one tab between: it has 0 tabs");
  refused("a\tb\tc\n", "line 1: need source and target with one tab between: it has 2 tabs");
  refused("a\tb\n \tc\n", "line 2: need a source that is not empty");
  refused("a\t\n", "line 1: need a target that is not empty");
  refused('{"source": "a"}', 'line 1: need the fields "source" and "target"');
  refused('{"source": "a", "target": "b"}\n{', "line 2: need JSON");
  refused("\n\n", "need one at least: it has none");
  const aligned = (a: string, b: string, says: string) =>
    assertThrows(() => alignedPairs([a, b], ["a.txt", "b.txt"]), UserError, says);
  aligned("a\nb\n", "a\n", "a.txt and b.txt: need as many lines in both: 2 and 1");
  aligned("a\nb\n", "a\n\n", "b.txt: line 2: need some text");
});

const PAIRS: readonly Pair[] = Array.from({ length: 200 }, (_, i) => {
  const letters = Array.from({ length: 1 + i % 6 }, (_, k) => "abcdefgh"[(i + k * k) % 8]);
  return { source: letters.join(""), target: letters.toReversed().join(" ").toUpperCase() };
});

function tokenizer() {
  const words = wordTokenizer([..."ABCDEFGH"]);
  const sides = sidesTokenizer(charTokenizer("abcdefgh"), words);
  return withSpecialTokens(sides, [SIDE_END, SIDE_PAD]);
}

Deno.test("sides have tokens of their own in one vocabulary", () => {
  const made = tokenizer();
  assertEquals([...made.encode("ba")], [1, 0]);
  assertEquals([...made.target?.encode("B A") ?? []], [8 + 3, 8 + 2]);
  assertEquals(made.decode([1, 0, 11, 10]), "baB A");
  assertEquals(made.target?.decode([11, 10]), "B A");
  const again = tokenizerFrom(JSON.parse(JSON.stringify(made)));
  assertEquals(tokenizerHash(again), tokenizerHash(made));
  assertEquals([...again.target?.encode("H") ?? []], [8 + 9]);
  const stream = made.stream();
  assertEquals([1, 0].map((id) => stream.push(id)).join("") + stream.flush(), "ba");
  assertThrows(() => made.decode([made.size]), RangeError);
});

const encoding = { tokenizer: tokenizer(), most: 6, validation: 0.2, name: "p" };

Deno.test("all targets of a source are in one part, whatever the order, and long ones nowhere", () => {
  const { train, validation, long } = encodePairs(PAIRS, encoding);
  assertEquals(long, PAIRS.filter(({ source }) => source.length > 5).length);
  const held = PAIRS.filter(({ source }) => source.length < 6 && isHeldOut(source, 0.2));
  assertEquals(validation.begins.length, held.length);
  assert(held.length > 0 && train.begins.length > held.length);
  assertEquals(train.begins.length + held.length + long, PAIRS.length);
  const again = encodePairs(PAIRS.toReversed(), encoding);
  assertEquals(again.validation.begins.length, held.length);
  const whole = { ...encoding, most: 2 };
  assertThrows(() => encodePairs([{ source: "ab", target: "A" }], whole), UserError, "are longer");
  const unknown = [{ source: "z", target: "A" }];
  assertThrows(() => encodePairs(unknown, encoding), UserError, "in pair 1 of p");
});

/** A source over the pairs. */
function source({ key = rootKey(1), microBatches = 2, windows = 3, evaluated = 0 } = {}): Source {
  const { train, validation } = encodePairs(PAIRS, encoding);
  const text = textIn({ train: train.tokens, validation: validation.tokens }, {
    begins: { train: train.begins, validation: validation.begins },
  });
  const evaluation = { windows: evaluated, stride: null };
  return sourceOf(dataConfig({ source: "pairs", seq_len: 6 }), {
    key,
    microBatches,
    windows,
    evaluation,
    texts: [text],
    vocabulary: encoding.tokenizer.size,
    tokenizer: encoding.tokenizer,
  });
}

const [END, PAD] = [SIDE_END, SIDE_PAD].map((name) => encoding.tokenizer.special?.(name)) as [
  number,
  number,
];

Deno.test("a batch has sources with their lengths, and targets behind a start", () => {
  const made = source();
  for (const at of addresses(30, 2)) {
    const { tensors, counted, fresh } = made.train(at);
    const rows = (name: string) => rowsOf(tensors[name] as Uint32Array, 3);
    const [sources, tokens, targets] = ["source", "tokens", "targets"].map(rows) as number[][][];
    let count = 0;
    (tensors["source_lengths"] as Uint32Array).forEach((length, row) => {
      const own = sources?.[row] as number[];
      assertEquals(own.indexOf(END), length - 1);
      assert(own.slice(length).every((id) => id === PAD));
      const wanted = (targets?.[row] as number[]).filter((id) => id !== IGNORE);
      assertEquals(wanted.at(-1), END);
      assertEquals((tokens?.[row] as number[]).slice(0, wanted.length), [
        PAD,
        ...wanted.slice(0, -1),
      ]);
      const { tokenizer } = encoding;
      const text = tokenizer.decode(own.slice(0, length - 1));
      assertEquals(
        tokenizer.target?.decode(wanted.slice(0, -1)),
        [...text].toReversed().join(" ").toUpperCase(),
      );
      count += wanted.length;
    });
    assertEquals([counted, fresh], [count, true]);
  }
});

Deno.test("targets of a step are counted before its batches are made, each pair once an epoch", () => {
  const made = source();
  for (let step = 0; step < 8; step++) {
    const counted = [0, 1].map((microBatch) => made.train({ step, microBatch }).counted);
    assertEquals(made.countedIn?.(step), counted.reduce((a, b) => a + b));
  }
  const { train } = encodePairs(PAIRS, encoding);
  const steps = Math.floor(train.begins.length / 6);
  const rows = addresses(steps, 2).flatMap((at) => {
    const { tensors } = made.train(at);
    const both = ["source", "targets"].map((name) => rowsOf(tensors[name] as Uint32Array, 3));
    return [0, 1, 2].map((row) => both.map((rows) => rows[row]).join());
  });
  const all = PAIRS.filter(({ source }) => source.length < 6 && !isHeldOut(source, 0.2));
  const distinct = new Set(all.map(({ source }) => source)).size;
  assert(new Set(rows).size > distinct - 6, `${new Set(rows).size} of ${distinct}`);
});

Deno.test("a batch depends on key and address alone, an evaluation on neither", () => {
  const at = { step: 3, microBatch: 1 };
  assertEquals(source().train(at), source().train(at));
  assertNotEquals(source({ key: rootKey(2) }).train(at), source().train(at));
  const evaluated = (key = rootKey(1), count = 0) => {
    const made = source({ key, evaluated: count });
    return Array.from({ length: made.sequences }, (_, s) => [...made.evaluation(s)]).flat();
  };
  assertEquals(evaluated(rootKey(2)), evaluated());
  const { validation } = encodePairs(PAIRS, encoding);
  const targets = evaluated().reduce((sum, { counted }) => sum + counted, 0);
  assertEquals(
    targets,
    validation.tokens.length - validation.tokens.indexOf(END) - 1 -
      sourcesBehindFirst(validation),
  );
  assertEquals(evaluated(rootKey(1), 4).length, 2);
  const task = taskOf(dataConfig({ source: "pairs", seq_len: 6 }), 30);
  assertEquals([task.targetKind, task.countedPerWindow, task.classes], ["sequence", undefined, 30]);
});

/** Tokens of all sources but the first, with their ends. */
function sourcesBehindFirst({ tokens, begins }: { tokens: Uint32Array; begins: Uint32Array }) {
  return [...begins].slice(0, -1).reduce(
    (sum, start) => sum + tokens.subarray(start).indexOf(END) + 1,
    0,
  );
}
