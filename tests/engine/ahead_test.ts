/** Preparing a step's first batch during the previous step does not change the results. */
import { assertEquals, assertNotEquals } from "@std/assert";
import type { RunConfig } from "../../src/config/schema.ts";
import { openReference } from "../../src/device/reference.ts";
import type { Device } from "../../src/device/types.ts";
import { type Corpus, corpusIn } from "../../src/corpus/corpus.ts";
import { Replica } from "../../src/engine/replica.ts";
import { tinyConfig } from "../support/gpt.ts";
import { letters } from "../support/lockstep.ts";
import { tinyRecurrent } from "../support/recurrent.ts";

const WHOLE = { level: 2, index: 0 };

async function openReplica(
  config: RunConfig,
  { device = openReference(), corpus = letters(config) }: { device?: Device; corpus?: Corpus } = {},
): Promise<Replica> {
  const replica = new Replica(device, { config, corpus });
  await replica.open();
  return replica;
}

/** A reference device, and what is written to `inputs` and read on it, in order. */
function watched(): { device: Device; seen: string[] } {
  const inner = openReference();
  const seen: string[] = [];
  const memory: Device["memory"] = () => {
    const own = inner.memory();
    const { write, read } = own;
    own.write = (slot, data, offset) => {
      if (slot === "tokens") seen.push("write");
      write.call(own, slot, data, offset);
    };
    own.read = (stretches) => {
      seen.push("read");
      return read.call(own, stretches);
    };
    return own;
  };
  return { device: { ...inner, memory }, seen };
}

Deno.test("a step's first batch is written before the previous gradient check is awaited", async () => {
  const { device, seen } = watched();
  const replica = await openReplica(tinyConfig(), { device });
  const step = async (number: number) => {
    seen.length = 0;
    replica.accumulate(number, WHOLE);
    await replica.inspect();
    replica.update(number);
    return seen.join(" ");
  };
  assertEquals(await step(0), "write write write write write read");
  assertEquals(await step(1), "write write write write read");
  assertEquals(await step(2), "write write write write read");
  // Another step than the next one: its first batch is written as well.
  assertEquals(await step(7), "write write write write write read");
});

for (
  const [name, config] of Object.entries({
    "a transformer": tinyConfig({ model: { dropout: 0.1 } }),
    "lanes with states": tinyRecurrent({ data: { bptt: 4 } }),
  })
) {
  Deno.test(`whatever comes instead of the step that was prepared finds its own batch: ${name}`, async () => {
    const plain = await openReplica(config);
    const busy = await openReplica(config);
    for (let step = 0; step < 3; step++) {
      // The other replica checks more often, recomputes the step, and evaluates in between.
      busy.accumulate(step, { level: 1, index: 1 });
      await busy.gradient();
      busy.accumulate(step, WHOLE);
      await busy.inspect();
      await busy.evaluate(0, 1);
      busy.accumulate(step, WHOLE);
      await busy.inspect();
      plain.accumulate(step, WHOLE);
      assertEquals(await busy.gradient(), await plain.readVector("grad"));
      busy.update(step);
      plain.update(step);
    }
    // One step is skipped, and one starts at another micro-batch.
    busy.skip();
    plain.skip();
    for (const node of [{ level: 1, index: 1 }, { level: 1, index: 0 }]) {
      busy.accumulate(4, node);
      plain.accumulate(4, node);
      assertEquals(await busy.gradient(), await plain.readVector("grad"));
    }
    assertEquals(await busy.hash(), await plain.hash());
  });
}

Deno.test("unreadable data does not fail the previous step", async () => {
  const config = tinyConfig({ micro_batch_size: 1, micro_batches: 1 });
  const whole = letters(config);
  const tokens = new Uint32Array(whole.texts[0]?.train.length ?? 0);
  whole.texts[0]?.train.read(0, tokens);
  const corpus = corpusIn({ train: tokens, validation: tokens, vocabulary: whole.vocabulary });
  const replica = await openReplica(config, { corpus });
  const [text] = corpus.texts;
  const read = text?.train.read.bind(text.train);
  let broken = false;
  if (text !== undefined) {
    text.train.read = (start, into) => {
      if (broken) throw new Error("Cannot read");
      read?.(start, into);
    };
  }
  replica.accumulate(0, { level: 0, index: 0 });
  broken = true;
  const { loss } = await replica.inspect();
  assertNotEquals(loss, NaN);
  replica.update(0);
  let message = "";
  try {
    replica.accumulate(1, { level: 0, index: 0 });
  } catch (error) {
    message = (error as Error).message;
  }
  assertEquals(message, "Cannot read");
  broken = false;
  replica.accumulate(1, { level: 0, index: 0 });
});
