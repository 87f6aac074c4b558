/** Carried states of a replica: a discarded step does not affect them. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { resolveConfig } from "../../src/config/resolve.ts";
import { charTokenizer } from "../../src/data/tokenizers/char.ts";
import { openReference } from "../../src/device/reference.ts";
import type { Device } from "../../src/device/types.ts";
import { Lanes } from "../../src/engine/lanes.ts";
import { Replica } from "../../src/engine/replica.ts";
import type { Corpus } from "../../src/corpus/corpus.ts";
import { randomTokens, tinyConfig } from "../support/gpt.ts";
import { corpusIn } from "../../src/corpus/corpus.ts";
import { onDevice, REFERENCE_AND_GPU } from "../support/gpu.ts";

const LETTERS = "abcdefg";
const CORPUS: Corpus = corpusIn({
  train: randomTokens(400, LETTERS.length),
  validation: randomTokens(100, LETTERS.length),
  vocabulary: LETTERS.length,
  tokenizer: charTokenizer(LETTERS),
});

const ALL = [0, 1, 2, 3];
const WHOLE = { level: 2, index: 0 };

/** Four micro-batches of two lanes of an LSTM. */
async function openReplica(device: Device = openReference()): Promise<Replica> {
  const config = resolveConfig({
    micro_batches: 4,
    micro_batch_size: 2,
    model: { kind: "recurrent", cell: "lstm", layers: 1, width: 4 },
    data: { bptt: 5 },
  });
  const replica = new Replica(device, { config, corpus: CORPUS });
  await replica.open();
  return replica;
}

async function stateOf(replica: Replica): Promise<string> {
  const lanes = await replica.readLanes(ALL);
  return `${await replica.hash()} ${lanes.join()}`;
}

/** Steps 0 to 5, each computed `times` times, some skipped. */
async function run(replica: Replica, { times, skip }: {
  times: number;
  skip?: number;
}): Promise<string> {
  for (let step = 0; step < 6; step++) {
    for (let i = 0; i < times; i++) replica.accumulate(step, WHOLE);
    if (step === skip) replica.skip();
    else replica.update(step);
  }
  return await stateOf(replica);
}

for (const [name, open] of Object.entries(REFERENCE_AND_GPU)) {
  Deno.test(
    onDevice(
      name,
      `a step that is computed three times is as one that is computed once, on ${name}`,
    ),
    async () => {
      const states = [];
      for (const times of [1, 3]) {
        const device = await open();
        states.push(await run(await openReplica(device), { times }));
        device.close();
      }
      assertEquals(states[1], states[0]);
    },
  );

  Deno.test(
    onDevice(name, `a skipped step leaves parameters, moments and states alone, on ${name}`),
    async () => {
      const device = await open();
      const replica = await openReplica(device);
      replica.accumulate(0, WHOLE);
      replica.update(0);
      const before = await stateOf(replica);
      replica.accumulate(1, WHOLE);
      const next = await replica.nextLanes(ALL);
      assertNotEquals(await replica.readLanes(ALL), next);
      replica.skip();
      assertEquals(await stateOf(replica), before);
      // The next step starts from the state before the skipped one.
      replica.accumulate(1, WHOLE);
      assertEquals(await replica.nextLanes(ALL), next);
      replica.update(1);
      assertEquals(await replica.readLanes(ALL), next);
      device.close();
    },
  );
}

Deno.test("a run with a skipped step differs from one without", async () => {
  const whole = await run(await openReplica(), { times: 1 });
  const skipped = await run(await openReplica(), { times: 1, skip: 3 });
  assertNotEquals(skipped, whole);
  assertEquals(await run(await openReplica(), { times: 2, skip: 3 }), skipped);
});

Deno.test("micro-batches that were not computed keep their states over an update", async () => {
  const [whole, half] = [await openReplica(), await openReplica()];
  for (const replica of [whole, half]) {
    replica.accumulate(0, WHOLE);
    replica.update(0);
  }
  whole.accumulate(1, WHOLE);
  half.accumulate(1, { level: 1, index: 1 });
  half.writeGradient(0, await whole.gradient());
  for (const replica of [whole, half]) replica.update(1);
  assertEquals(await half.hash(), await whole.hash());
  assertEquals(await half.readLanes([2, 3]), await whole.readLanes([2, 3]));
  const [own, theirs] = [await half.readLanes([0, 1]), await whole.readLanes([0, 1])];
  assertNotEquals(own, theirs);
  // A peer's states replace them.
  half.writeLanes([0, 1], theirs);
  assertEquals(await half.readLanes(ALL), await whole.readLanes(ALL));
  for (const replica of [whole, half]) {
    replica.accumulate(2, WHOLE);
    replica.update(2);
  }
  assertEquals(await stateOf(half), await stateOf(whole));
});

Deno.test("states of micro-batches are read in the given order, with all carries", async () => {
  const replica = await openReplica();
  const size = replica.carries.reduce((sum, carry) => sum + carry.size, 0);
  assertEquals([replica.carries.length, replica.laneSize, size], [2, 16, 16]);
  const data = Float32Array.from({ length: 4 * size }, (_, i) => i);
  replica.writeLanes(ALL, data);
  assertEquals(await replica.readLanes(ALL), data);
  assertEquals(await replica.readLanes([2]), data.subarray(2 * size, 3 * size));
  const turned = await replica.readLanes([3, 0]);
  assertEquals([...turned], [...data.subarray(3 * size), ...data.subarray(0, size)]);
  assertEquals((await replica.readLanes([])).length, 0);
});

Deno.test("writing states discards what was computed from the old ones", async () => {
  const replica = await openReplica();
  replica.accumulate(0, WHOLE);
  const data = new Float32Array(replica.laneSize).fill(0.25);
  replica.writeLanes([1], data);
  assertThrows(() => void replica.nextLanes([0, 1]), RangeError, "was computed: 1");
  replica.update(0);
  assertEquals(await replica.readLanes([1]), data);
  assert((await replica.readLanes([0])).some((v) => v !== 0));
});

Deno.test("evaluation and a second gradient check do not affect each other", async () => {
  const [plain, disturbed] = [await openReplica(), await openReplica()];
  plain.accumulate(0, WHOLE);
  plain.update(0);
  disturbed.accumulate(0, WHOLE);
  const losses = await disturbed.evaluate(0, 1);
  assertEquals(await disturbed.evaluate(0, 1), losses);
  disturbed.update(0);
  assertEquals(await stateOf(disturbed), await stateOf(plain));
});

Deno.test("a reset replica equals one that was just opened", async () => {
  const [fresh, used] = [await openReplica(), await openReplica()];
  const first = await stateOf(fresh);
  const last = await run(used, { times: 1 });
  used.accumulate(6, WHOLE);
  used.reset();
  assertEquals(await stateOf(used), first);
  assertEquals(await run(used, { times: 1 }), last);
});

Deno.test("a model without states has none to read, write or swap", async () => {
  const config = tinyConfig();
  const replica = new Replica(openReference(), { config, corpus: CORPUS });
  await replica.open();
  replica.accumulate(0, WHOLE);
  assertEquals([replica.laneSize, replica.carries.length], [0, 0]);
  assertEquals((await replica.nextLanes(ALL)).length, 0);
  replica.writeLanes(ALL, new Float32Array());
  replica.update(0);
  assertEquals((await replica.readLanes(ALL)).length, 0);
});

Deno.test("lanes refuse wrong lengths and unknown micro-batches", async () => {
  const memory = openReference().memory();
  const lanes = new Lanes(memory, { carries: [{ name: "h", size: 3 }], microBatches: 2 });
  lanes.open();
  assertThrows(() => lanes.write([0, 1], new Float32Array(5)), RangeError, "6 elements: 5");
  assertThrows(() => lanes.write([2], new Float32Array(3)), RangeError, "below 2: 2");
  assertThrows(() => lanes.current(-1, "h"), RangeError, "below 2: -1");
  await lanes.read([0]);
  assertThrows(() => void lanes.readNext([0]), RangeError, "was computed: 0");
});
