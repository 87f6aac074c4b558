/** Truecasing: inputs, labels, and characters without a one-character lower case. */
import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../../src/base/user_error.ts";
import { IGNORE } from "../../../src/base/ignore.ts";
import { taskOf } from "../../../src/data/sources/mod.ts";
import { byteTokenizer } from "../../../src/data/tokenizers/byte.ts";
import { charTokenizer } from "../../../src/data/tokenizers/char.ts";
import type { SourceInput, TokenBatch } from "../../../src/data/source.ts";
import {
  addresses,
  dataConfig,
  evaluationOf,
  inputOf,
  rowsOf,
  sourceFor,
  textInput,
} from "./fixture.ts";
import { tokenTensors } from "../../../src/data/token_tensors.ts";

const DATA = { source: "truecase", seq_len: 6, stride: 4 } as const;
const TEXTS = {
  train: "Call me Ishmael. Some years ago I CALLED, now reddened. ".repeat(3),
  validation: "The Whale, or Moby-Dick; it is this. ".repeat(2),
};

/** Rows of a batch as texts, and their labels as digits. */
function shown(
  batch: TokenBatch,
  { tokenizer, windows }: Pick<SourceInput, "tokenizer" | "windows">,
): [string, string][] {
  const labels = rowsOf(batch.tensors.targets, windows);
  return rowsOf(batch.tensors.tokens, windows).map((
    row,
    b,
  ) => [tokenizer?.decode(row) ?? "", (labels[b] ?? []).join("")]);
}

Deno.test("truecase asks two classes at each position of a text's windows", () => {
  assertEquals(taskOf(dataConfig(DATA), 40), {
    time: 6,
    vocabulary: 40,
    classes: 2,
    targetKind: "token_class",
    countedPerWindow: 6,
    carries: false,
    tensors: tokenTensors({ time: 6, targetKind: "token_class" }),
  });
});

Deno.test("truecase reads the windows of text in lower case and asks for their capitals", () => {
  const input = textInput(TEXTS);
  const source = sourceFor(DATA, input);
  const text = sourceFor({ ...DATA, source: "text" }, input);
  let capitals = 0;
  for (const at of addresses(12, 2)) {
    const batch = source.train(at);
    assertEquals([batch.counted, batch.fresh], [18, true]);
    const windows = rowsOf(text.train(at).tensors.tokens, 3).map((row) =>
      input.tokenizer?.decode(row)
    );
    shown(batch, input).forEach(([lower, labels], b) => {
      const window = windows[b] ?? "";
      assertEquals(lower, window.toLowerCase());
      assertEquals(labels, window.replace(/[A-Z]/g, "1").replace(/[^1]/g, "0"));
      capitals += labels.split("1").length - 1;
    });
  }
  assertEquals(capitals > 0, true);
});

Deno.test("truecase does not depend on what was asked before", () => {
  const source = sourceFor(DATA, textInput(TEXTS));
  const all = addresses(5, 2);
  const forward = all.map((at) => source.train(at));
  assertEquals(all.toReversed().map((at) => source.train(at)).toReversed(), forward);
});

Deno.test("truecase evaluates the windows of the text's end, and counts no filling", () => {
  const input = textInput(TEXTS, { evalWindows: 4 });
  const source = sourceFor(DATA, input);
  const batches = evaluationOf(source);
  assertEquals(batches.map(({ counted }) => counted), [18, 6]);
  assertEquals(evaluationOf(source), batches);
  const [first, second] = batches.map((batch) => shown(batch, input));
  assertEquals(first?.[0], ["the wh", "100010"]);
  assertEquals(first?.length, 3);
  assertEquals(second?.slice(1).map(([, labels]) => labels), [
    `${IGNORE}`.repeat(6),
    `${IGNORE}`.repeat(6),
  ]);
});

Deno.test("truecase leaves a capital whose lower case the text lacks, and still calls it one", () => {
  // Q and the Greek capital have no small letter here; the dotted I has two characters for one.
  const train = "aAQΩİ1🐋b".repeat(2);
  const tokenizer = charTokenizer(train);
  const data = { ...DATA, seq_len: 8, stride: 8 };
  const input = inputOf({
    train: tokenizer.encode(train),
    validation: tokenizer.encode(train),
    tokenizer,
    windows: 1,
  });
  const batch = sourceFor(data, input).train({ step: 0, microBatch: 0 });
  assertEquals(shown(batch, input), [["aaQΩİ1🐋b", "01111000"]]);
});

Deno.test("truecase refuses tokens that have no case", () => {
  for (const [tokenizer, kind] of [[byteTokenizer(), "byte"], [undefined, "none"]] as const) {
    const input = { ...textInput(TEXTS), tokenizer };
    const refusal = assertThrows(() => sourceFor(DATA, input), UserError, `: ${kind}`);
    assertEquals(refusal.exit, "config");
  }
});
