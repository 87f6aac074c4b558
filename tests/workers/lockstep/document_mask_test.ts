/** Runs whose attention stays inside documents: one state for any world, and another than without. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { resolveConfig } from "../../../src/config/resolve.ts";
import { openReference } from "../../../src/device/reference.ts";
import { corpusIn } from "../../../src/corpus/corpus.ts";
import { beginsIn } from "../../support/documents.ts";
import { randomTokens } from "../../support/gpt.ts";
import { lockstep } from "../../support/lockstep.ts";

const train = randomTokens(400, 9);
const parts = { train, validation: train.slice(0, 100) };
const corpus = corpusIn({ ...parts, vocabulary: 9, begins: beginsIn(parts, [8]) });

function configOf(document_mask: boolean) {
  return resolveConfig({
    steps: 4,
    micro_batches: 4,
    micro_batch_size: 2,
    model: { kind: "gpt", layers: 1, width: 16, heads: 2, dropout: 0.1 },
    data: { seq_len: 12, stride: 6, ...(document_mask && { document_end: "x", document_mask }) },
    eval: { every: 2, windows: 0 },
    checkpoint: { every: 0 },
    report: { sample_length: 0 },
  });
}

Deno.test("masked documents keep the lockstep, and change the result", async () => {
  const openDevice = () => Promise.resolve(openReference());
  const run = (mask: boolean, world: number) =>
    lockstep(configOf(mask), { world, openDevice, corpus });
  const one = await run(true, 1);
  const four = await run(true, 4);
  assertEquals(four.outcome.stateHash, one.outcome.stateHash);
  assertEquals(four.outcome.valLoss, one.outcome.valLoss);
  const plain = await run(false, 1);
  assertNotEquals(plain.outcome.stateHash, one.outcome.stateHash);
});
