/** Lanes with document boundaries: where windows are cut, and when states reset. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { IGNORE } from "../../../src/base/ignore.ts";
import { rootKey } from "../../../src/base/random.ts";
import { resolveConfig } from "../../../src/config/resolve.ts";
import { documentSource } from "../../../src/data/sources/documents.ts";
import { type LaneWindow, laneWindows } from "../../../src/data/sources/lane_windows.ts";
import { textIn } from "../../../src/data/text.ts";
import { tokensIn } from "../../../src/data/tokens.ts";
import { charTokenizer } from "../../../src/data/tokenizers/char.ts";
import { openReference } from "../../../src/device/reference.ts";
import { Replica } from "../../../src/engine/replica.ts";
import { beginsIn, beginsOf } from "../../support/documents.ts";
import { lockstep } from "../../support/lockstep.ts";
import { corpusIn } from "../../../src/corpus/corpus.ts";

const tokenizer = charTokenizer("abc.");
const encode = (text: string) => tokenizer.encode(text);

function listed(
  tokens: Uint32Array,
  { end, ...cut }: Parameters<typeof laneWindows>[1] & { end: readonly number[] },
): LaneWindow[] {
  const { count, at } = laneWindows(tokensIn(tokens, beginsOf(tokens, end)), cut);
  return Array.from({ length: count }, (_, i) => at(i));
}

Deno.test("an end's last token is the first input of the document behind it", () => {
  const tokens = encode("ab.cab.c");
  const all = listed(tokens, { start: 0, length: 7, time: 4, end: [...encode(".")] });
  assertEquals(all, [
    { start: 0, length: 2, fresh: true },
    { start: 2, length: 4, fresh: true },
    { start: 6, length: 1, fresh: true },
  ]);
});

Deno.test("a window is cut behind a document's end, and the next begins anew", () => {
  const tokens = encode("abcab..cabcabc..ab");
  const all = listed(tokens, { start: 0, length: 17, time: 4, end: [...encode("..")] });
  assertEquals(all, [
    { start: 0, length: 4, fresh: true },
    // Its last target is the second dot, after which the next document begins.
    { start: 4, length: 2, fresh: false },
    { start: 6, length: 4, fresh: true },
    { start: 10, length: 4, fresh: false },
    { start: 14, length: 1, fresh: false },
    { start: 15, length: 2, fresh: true },
  ]);
  // The targets of a window follow its inputs, up to the end of the document.
  const asked = all.map(({ start, length }) =>
    tokenizer.decode(tokens.subarray(start + 1, start + length + 1))
  );
  assertEquals(asked, ["bcab", "..", "cabc", "abc.", ".", "ab"]);
});

Deno.test("without an end windows are those of plain lanes", () => {
  const tokens = encode("abcabcabcabca");
  const all = listed(tokens, { start: 0, length: 12, time: 4, end: [...encode("..")] });
  assertEquals(all.map(({ start, length, fresh }) => [start, length, fresh]), [
    [0, 4, true],
    [4, 4, false],
    [8, 4, false],
  ]);
});

Deno.test("what is not asked is padded, and a step knows how much counts", () => {
  const text = encode("ab..cabcab..abcabcabcabcabc");
  const begins = beginsIn({ train: text, validation: text }, [...encode("..")]);
  const source = documentSource({ time: 6, warm: 0 }, {
    key: rootKey(1),
    microBatches: 2,
    windows: 1,
    evaluation: { windows: 1, stride: null },
    texts: [textIn({ train: text, validation: text }, { begins })],
    tokenizer,
  });
  const batches = [0, 1].map((microBatch) => source.train({ step: 0, microBatch }));
  assertEquals(batches.map(({ counted }) => counted), [3, 6]);
  assertEquals(source.countedIn?.(0), 9);
  assertEquals(batches.map(({ fresh }) => fresh), [[true], [true]]);
  assertEquals([...(batches[0]?.tensors["targets"] ?? [])].filter((t) => t === IGNORE).length, 3);
});

Deno.test("a document behind another has the losses that it has alone", async () => {
  const documents = ["abccba", "cabbac", "bbcaab"];
  const lossesOf = async (text: string, steps: number): Promise<number[]> => {
    const config = resolveConfig({
      micro_batches: 1,
      micro_batch_size: 1,
      model: { kind: "recurrent", cell: "lstm", width: 5 },
      data: { bptt: 4, document_end: ".." },
    });
    const train = encode(text);
    const corpus = corpusIn({
      train,
      validation: train,
      vocabulary: tokenizer.size,
      tokenizer,
      begins: beginsIn({ train, validation: train }, [...encode("..")]),
    });
    const replica = new Replica(openReference({ precision: "f64" }), { config, corpus });
    await replica.open();
    const param = await replica.readVector("param");
    const all: number[] = [];
    for (let step = 0; step < steps; step++) {
      replica.accumulate(step, { level: 0, index: 0 });
      all.push((await replica.inspect()).loss);
      // Carry the states on with unchanged parameters.
      replica.update(step);
      replica.writeVector("param", param);
    }
    return all;
  };
  // After the last dot of another document, six letters and two dots are two windows of 4 targets.
  const together = await lossesOf("." + documents.map((d) => d + "..").join(""), 6);
  for (const [k, document] of documents.entries()) {
    const alone = await lossesOf("." + document + "..", 2);
    alone.forEach((loss, i) => assertAlmostEquals(loss, together[2 * k + i] as number, 1e-6));
  }
});

Deno.test("documents keep the lockstep: 1, 2 and 4 workers", async () => {
  const letters = Array.from(
    { length: 600 },
    (_, i) => "abc"[(i * i + i) % 3] + (i % 17 ? "" : ".."),
  );
  const train = encode(letters.join(""));
  const config = resolveConfig({
    steps: 6,
    micro_batches: 4,
    micro_batch_size: 2,
    model: { kind: "recurrent", cell: "gru", width: 6 },
    data: { bptt: 8, document_end: ".." },
    eval: { every: 0, windows: 8 },
    checkpoint: { every: 0 },
    report: { sample_length: 0 },
  });
  const corpus = corpusIn({
    train,
    validation: train,
    vocabulary: tokenizer.size,
    tokenizer,
    begins: beginsIn({ train, validation: train }, [...encode("..")]),
  });
  const hashes: string[] = [];
  for (const world of [1, 2, 4]) {
    const openDevice = () => Promise.resolve(openReference());
    const { outcome } = await lockstep(config, { world, openDevice, corpus });
    hashes.push(outcome.stateHash);
  }
  assertEquals(new Set(hashes).size, 1);
});
