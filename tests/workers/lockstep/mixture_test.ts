/** Runs on several texts: shares by weight, windows once in an epoch, one state for any world. */
import { assertEquals } from "@std/assert";
import { rootKey } from "../../../src/base/random.ts";
import { textIn } from "../../../src/data/text.ts";
import { openReference } from "../../../src/device/reference.ts";
import { type Corpus, sourceIn } from "../../../src/corpus/corpus.ts";
import { tinyConfig } from "../../support/gpt.ts";
import { lockstep } from "../../support/lockstep.ts";

const rising = (n: number, from: number) => Uint32Array.from({ length: n }, (_, i) => from + i);
/** Windows of 4 tokens that begin every 2: 48 in the first text, 28 in the second. */
const CORPUS: Corpus = {
  vocabulary: 300,
  texts: [
    textIn({ train: rising(100, 0), validation: rising(20, 200) }, { name: "long", weight: 3 }),
    textIn({ train: rising(60, 120), validation: rising(9, 250) }, { name: "short", weight: 1 }),
  ],
};
const config = (input: Parameters<typeof tinyConfig>[0] = {}) =>
  tinyConfig({ window: 4, stride: 2, ...input });

/** First tokens of the windows of steps [0, steps), by their text, in order. */
function startsOf(
  steps: number,
  sizes: { micro_batches: number; micro_batch_size: number },
): number[][] {
  const source = sourceIn(config(sizes), CORPUS, rootKey(3));
  const starts: number[][] = [[], []];
  for (let step = 0; step < steps; step++) {
    for (let microBatch = 0; microBatch < sizes.micro_batches; microBatch++) {
      const { tensors } = source.train({ step, microBatch });
      const inputs = tensors["tokens"] as Uint32Array;
      for (let row = 0; row < inputs.length; row += 4) {
        const start = inputs[row] as number;
        assertEquals([...inputs.subarray(row, row + 4)], [...rising(4, start)]);
        starts[start < 120 ? 0 : 1]?.push(start);
      }
    }
  }
  return starts;
}

Deno.test("texts are mixed by weight, and each has every window once in an epoch of its own", () => {
  const starts = startsOf(128, { micro_batches: 4, micro_batch_size: 2 });
  assertEquals(starts.map(({ length }) => length), [768, 256]);
  for (const [text, [windows, from]] of ([[48, 0], [28, 120]] as const).entries()) {
    const own = starts[text] ?? [];
    for (let e = 0; (e + 1) * windows <= own.length; e++) {
      const epoch = own.slice(e * windows, (e + 1) * windows).sort((a, b) => a - b);
      assertEquals(epoch, Array.from({ length: windows }, (_, k) => from + 2 * k));
    }
  }
});

Deno.test("the order of mixed windows does not depend on their cut into micro-batches", () => {
  const a = startsOf(40, { micro_batches: 4, micro_batch_size: 2 });
  assertEquals(startsOf(10, { micro_batches: 8, micro_batch_size: 4 }), a);
  assertEquals(startsOf(80, { micro_batches: 4, micro_batch_size: 1 }), a);
});

Deno.test("a run on mixed texts has one state for any world, also across a resume, and losses by text", async () => {
  const openDevice = () => Promise.resolve(openReference());
  const common = { openDevice, corpus: CORPUS };
  const whole = config({ steps: 4, eval: { every: 2, windows: 0 }, checkpoint: { every: 2 } });
  const one = await lockstep(whole, { ...common, world: 1 });
  const four = await lockstep(whole, { ...common, world: 4 });
  assertEquals(four.outcome.stateHash, one.outcome.stateHash);
  const resumed = await lockstep(whole, { ...common, world: 3, from: one.saved[0] });
  assertEquals(resumed.outcome.stateHash, one.outcome.stateHash);
  const evals = one.events.flatMap((event) => event.type === "eval" ? [event] : []);
  assertEquals(evals.map(({ step }) => step), [2, 4]);
  for (const { valLoss, texts = [] } of evals) {
    assertEquals(texts.map(({ name }) => name), ["long", "short"]);
    const [long = NaN, short = NaN] = texts.map(({ valLoss }) => valLoss ?? NaN);
    assertEquals(Math.abs(valLoss - (19 * long + 8 * short) / 27) < 1e-6, true);
  }
});
