/** Invariants of truncated backpropagation through time with carried states. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { rootKey, threefry } from "../../src/base/random.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { RunInput } from "../../src/config/schema.ts";
import { charTokenizer } from "../../src/data/tokenizers/char.ts";
import { openReference } from "../../src/device/reference.ts";
import { Replica } from "../../src/engine/replica.ts";
import { corpusIn } from "../../src/corpus/corpus.ts";

const CELLS = ["rnn_tanh", "rnn_relu", "lstm", "gru", "gru_before"] as const;
const LETTERS = "abcdefg";
const tokenizer = charTokenizer(LETTERS);

function tokens(n: number): Uint32Array {
  const key = rootKey(5);
  return Uint32Array.from({ length: n }, (_, i) => threefry(key, i, 0)[0] % LETTERS.length);
}

/** A replica in f64 on two lanes of 24 tokens each. */
async function replicaOf(cell: typeof CELLS[number], data: RunInput["data"]): Promise<Replica> {
  const config = resolveConfig({
    micro_batches: 1,
    micro_batch_size: 2,
    model: { kind: "recurrent", cell, layers: 2, width: 5 },
    data,
  });
  const corpus = corpusIn({
    train: tokens(49),
    validation: tokens(49),
    vocabulary: LETTERS.length,
    tokenizer,
  });
  const replica = new Replica(openReference({ precision: "f64" }), { config, corpus });
  await replica.open();
  return replica;
}

/** Losses of consecutive steps whose parameters do not change. */
async function losses(replica: Replica, steps: number): Promise<number[]> {
  const param = await replica.readVector("param");
  const all: number[] = [];
  for (let step = 0; step < steps; step++) {
    replica.accumulate(step, { level: 0, index: 0 });
    all.push((await replica.inspect()).loss);
    replica.update(step);
    replica.writeVector("param", param);
  }
  return all;
}

for (const cell of CELLS) {
  Deno.test(`${cell}: k windows with a carried state have the losses of one k times as long`, async () => {
    const [whole = NaN] = await losses(await replicaOf(cell, { bptt: 24 }), 1);
    for (const bptt of [1, 4, 8, 12]) {
      const parts = await losses(await replicaOf(cell, { bptt }), 24 / bptt);
      const mean = parts.reduce((a, b) => a + b, 0) / parts.length;
      assertAlmostEquals(mean, whole, 1e-6);
    }
  });

  Deno.test(`${cell}: a lane in one window has the gradient of full BPTT, shorter windows do not`, async () => {
    // The same tokens as independent windows: lanes start at 0 and 24.
    const carried = await replicaOf(cell, { bptt: 24 });
    carried.accumulate(0, { level: 0, index: 0 });
    const plain = await replicaOf(cell, { seq_len: 24, stride: 24 });
    plain.accumulate(0, { level: 0, index: 0 });
    const [a, b] = [await carried.gradient(), await plain.gradient()];
    a.forEach((value, i) => assertAlmostEquals(value, b[i] as number, 1e-6));
    const short = await replicaOf(cell, { bptt: 12 });
    await losses(short, 2);
    const cut = await short.gradient();
    assertEquals(cut.some((value, i) => Math.abs(value - (a[i] as number)) > 1e-4), true);
  });
}

Deno.test("a state is carried: a second pass over a window differs from the first", async () => {
  const replica = await replicaOf("lstm", { bptt: 12 });
  const [first, second, third] = await losses(replica, 3);
  assertEquals(first === second, false);
  // Lanes have two windows, so the third step restarts them from zero states.
  assertAlmostEquals(third ?? NaN, first ?? NaN, 1e-9);
});
