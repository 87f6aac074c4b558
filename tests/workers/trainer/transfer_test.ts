/** A replica's state copied to another one: all of it, bit for bit, or an error. */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { bytesOf } from "../../../src/base/hash.ts";
import type { RunConfig } from "../../../src/config/schema.ts";
import { openReference } from "../../../src/device/reference.ts";
import { ChannelError } from "../../../src/transport/channel.ts";
import type { Channel } from "../../../src/transport/channel.ts";
import { memoryPair } from "../../../src/transport/memory.ts";
import { Replica } from "../../../src/engine/replica.ts";
import { receiveState, sendState } from "../../../workers/trainer/transfer.ts";
import { bits } from "../../reduce/mesh.ts";
import { tinyConfig } from "../../support/gpt.ts";
import { letters } from "../../support/lockstep.ts";
import { tinyRecurrent } from "../../support/recurrent.ts";
import { soon } from "../../transport/wire.ts";

const GPT = tinyConfig();
const LSTM = tinyRecurrent({
  data: { bptt: 8, validation: 0.5 },
  model: { kind: "recurrent", cell: "lstm", layers: 2 },
});
const ALL = [0, 1, 2, 3];
const WHOLE = { level: 2, index: 0 };

/** A replica that has trained for some steps, and what all its micro-batches carry. */
interface Trained {
  readonly model: Replica;
  readonly lanes: Float32Array;
}

async function trained(config: RunConfig, steps: number): Promise<Trained> {
  const model = new Replica(openReference(), { config, corpus: letters(config) });
  await model.open();
  for (let step = 0; step < steps; step++) {
    model.accumulate(step, WHOLE);
    model.update(step);
  }
  return { model, lanes: await model.readLanes(ALL) };
}

/** Two ends of a conversation of one attempt. */
const pair = (): [Channel, Channel] => memoryPair({ attempt: 1 });

/** One more step, and the state after it. */
async function afterStep({ model }: Trained, step: number): Promise<string> {
  model.accumulate(step, WHOLE);
  model.update(step);
  return `${await model.hash()} ${bits(await model.readLanes(ALL)).join()}`;
}

const FROZEN = tinyConfig({
  optim: { kind: "muon", groups: [{ match: "blocks.0.qkv.*", frozen: true }] },
});

for (
  const [name, config] of Object.entries({ gpt: GPT, lstm: LSTM, "gpt, partly frozen": FROZEN })
) {
  Deno.test(`${name}: a state that was copied is the donor's bit for bit, and so is what follows`, async () => {
    const donor = await trained(config, 3);
    const heir = await trained(config, 0);
    assertEquals(donor.lanes.length > 0, config === LSTM);
    assertNotEquals(await heir.model.hash(), await donor.model.hash());
    const [there, here] = pair();
    await soon(Promise.all([sendState(there, donor), receiveState(here, heir)]));
    for (const vector of donor.model.vectors) {
      assertEquals(
        bits(await heir.model.readVector(vector)),
        bits(await donor.model.readVector(vector)),
      );
    }
    assertEquals(bits(heir.lanes), bits(donor.lanes));
    heir.model.writeLanes(ALL, heir.lanes);
    assertEquals(await afterStep(heir, 3), await afterStep(donor, 3));
    there.close();
  });
}

Deno.test("bits that no number has survive: NaN, -0, subnormals", async () => {
  const [donor, heir] = [await trained(LSTM, 0), await trained(LSTM, 0)];
  const odd = Uint32Array.of(0x7fc00001, 0xffc12345, 0x80000000, 0x00000001, 0x7f800000);
  const fill = (data: Float32Array) =>
    new Uint32Array(data.buffer, data.byteOffset, data.length)
      .forEach((_, i, words) => words[i] = odd[i % odd.length] as number);
  for (const vector of donor.model.vectors) {
    const flat = await donor.model.readVector(vector);
    fill(flat);
    donor.model.writeVector(vector, flat);
  }
  fill(donor.lanes);
  const [there, here] = pair();
  await soon(Promise.all([sendState(there, donor), receiveState(here, heir)]));
  assertEquals(await heir.model.hash(), await donor.model.hash());
  assertEquals(bits(heir.lanes), bits(donor.lanes));
  there.close();
});

Deno.test("one donor copies to two, one after the other, and stays as it is", async () => {
  const donor = await trained(LSTM, 2);
  const before = await donor.model.hash();
  for (let i = 0; i < 2; i++) {
    const heir = await trained(LSTM, 0);
    const [there, here] = pair();
    await soon(Promise.all([sendState(there, donor), receiveState(here, heir)]));
    assertEquals(await heir.model.hash(), before);
    there.close();
  }
  assertEquals(await donor.model.hash(), before);
});

Deno.test("a donor that dies on the way is an error, after however many buckets", async () => {
  const donor = await trained(LSTM, 1);
  const frames = donor.model.vectors.length * donor.model.layout.buckets.length + 1;
  for (let whole = 0; whole < frames; whole++) {
    const heir = await trained(LSTM, 0);
    const [there, here] = pair();
    let sent = 0;
    const dying: Channel = {
      receive: () => there.receive(),
      close: () => there.close(),
      async send(header, payload) {
        if (sent++ === whole) there.close();
        await there.send(header, payload);
      },
    };
    const receiving = assertRejects(() => receiveState(here, heir), ChannelError);
    await assertRejects(() => sendState(dying, donor), ChannelError);
    const { message } = await soon(receiving);
    assert(message.includes("the donor has left"), message);
  }
});

Deno.test("an heir that dies ends the sending", async () => {
  const donor = await trained(LSTM, 1);
  const [there, here] = pair();
  here.close();
  await soon(assertRejects(() => sendState(there, donor), ChannelError));
});

/** What an heir says to a donor that sends `speak`. */
async function against(
  speak: (donor: Channel, first: Uint8Array) => Promise<void>,
): Promise<string> {
  const heir = await trained(LSTM, 0);
  const before = await heir.model.hash();
  const [there, here] = pair();
  const receiving = assertRejects(() => receiveState(here, heir), ChannelError);
  const [length = 0] = heir.model.layout.buckets;
  await speak(there, bytesOf(new Float32Array(length).fill(9))).catch(() => {});
  const { message } = await soon(receiving);
  assertEquals(await heir.model.hash(), before); // nothing of it was taken
  there.close();
  return message;
}

Deno.test("buckets out of turn, of another size and without data are refused", async () => {
  const first = { type: "state", vector: "param", bucket: 0 };
  for (const header of [{ ...first, vector: "m" }, { ...first, bucket: 1 }, { type: "lanes" }]) {
    const message = await against((donor, data) => donor.send(header, data));
    assert(message.includes("Cannot copy the state: needs {"), message);
  }
  const short = await against((donor, data) => donor.send(first, data.subarray(4)));
  assert(/needs a buffer of \d+ B: got \d+/.test(short), short);
  const empty = await against((donor) => donor.send(first));
  assert(empty.includes("got nothing"), empty);
});
