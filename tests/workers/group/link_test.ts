/** The coordinator's side of a conversation: what counts as an answer, and what ends it. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { FencedChannel, Header } from "../../../src/transport/channel.ts";
import { memoryPair } from "../../../src/transport/memory.ts";
import { Link } from "../../../workers/group/link.ts";
import type { Answer, Unsolicited } from "../../../workers/group/link.ts";
import { soon, until } from "../../transport/wire.ts";

/** A link, the worker's end of it, and what the link has reported. */
interface Talk {
  readonly link: Link;
  readonly worker: FencedChannel;
  readonly received: Answer<Unsolicited>[];
  readonly ended: string[];
  readonly listening: Promise<void>;
}

function talk(limits: Readonly<Record<string, number>> = {}): Talk {
  const [worker, ours] = memoryPair({ attempt: 0 });
  const received: Answer<Unsolicited>[] = [];
  const ended: string[] = [];
  const link = new Link(ours, {
    limit: (type) => limits[type] ?? 0,
    received: (answer) => received.push(answer),
    ended: (why) => ended.push(why),
  });
  return { link, worker, received, ended, listening: link.listen() };
}

/** Ends a talk, and waits until it was noticed. */
async function close({ worker, listening }: Talk): Promise<void> {
  worker.close();
  await soon(listening);
}

const PROOF = (hash: string): Header => ({ type: "proof", hash });

Deno.test("a link returns answers in order, to earlier and to later calls", async () => {
  const { link, worker, ...rest } = talk();
  const first = link.expect("loaded");
  await worker.send({ type: "loaded" });
  assertEquals((await soon(first)).reply, { type: "loaded" });
  await worker.send(PROOF("a"));
  await worker.send(PROOF("b"));
  assertEquals((await soon(link.expect("proof"))).reply.hash, "a");
  assertEquals((await soon(link.expect("proof"))).reply.hash, "b");
  await close({ link, worker, ...rest });
  assertEquals(rest.ended, ["its channel ended"]);
});

Deno.test("a link gives what comes unasked to its handler, also between answers", async () => {
  const all = talk({ part: 8 });
  const { link, worker, received } = all;
  await worker.send({ type: "beat", waiting: [2] });
  await worker.send({ type: "part", vector: "m", bucket: 1, start: 4 }, new Uint8Array(8).fill(7));
  await worker.send({ type: "loaded" });
  await worker.send({ type: "saved" });
  await worker.send({ type: "broken", message: "it has left" });
  await soon(link.expect("loaded"));
  await until(() => received.length === 4);
  assertEquals(received.map(({ reply }) => reply), [
    { type: "beat", waiting: [2] },
    { type: "part", vector: "m", bucket: 1, start: 4 },
    { type: "saved" },
    { type: "broken", message: "it has left" },
  ]);
  assertEquals(received.map(({ payload }) => payload.length), [0, 8, 0, 0]);
  await close(all);
});

Deno.test("a link refuses an answer to another question", async () => {
  const all = talk();
  await all.worker.send({ type: "formed" });
  await assertRejects(
    () => soon(all.link.expect("loaded")),
    Error,
    "Cannot go on: needs loaded: got formed",
  );
  await close(all);
});

Deno.test("a link sends orders with what is behind them", async () => {
  const all = talk();
  await all.link.order({ type: "load", vector: "param", bucket: 0 }, Uint8Array.of(1, 2, 3));
  const frame = await soon(all.worker.receive());
  assertEquals(frame?.header, { type: "load", vector: "param", bucket: 0 });
  assertEquals(frame?.payload, Uint8Array.of(1, 2, 3));
  await close(all);
});

Deno.test("a link drops answers of the quorum before, whether they had arrived or not", async () => {
  const all = talk();
  const { link, worker } = all;
  await worker.send(PROOF("old"));
  await worker.send({ type: "beat", waiting: [] });
  await until(() => all.received.length === 1); // so the old proof lies in the queue
  await link.order({ type: "form", attempt: 1, rank: 0, members: [], step: 3 });
  await worker.send(PROOF("late")); // the worker has not read its order yet
  const order = await soon(worker.receive());
  assertEquals(order?.header.type, "form");
  worker.attempt = 1;
  await worker.send(PROOF("new"));
  assertEquals((await soon(link.expect("proof"))).reply.hash, "new");
  assertEquals(link.stale, 1);
  await close(all);
});

Deno.test("a link that moved on before what it had received was read drops that as well", async () => {
  const all = talk();
  const { link, worker } = all;
  const sent = worker.send(PROOF("old"));
  link.move(1);
  await sent;
  worker.attempt = 1;
  await worker.send(PROOF("new"));
  assertEquals((await soon(link.expect("proof"))).reply.hash, "new");
  assertEquals(link.stale, 1);
  await close(all);
});

Deno.test("interrupt() rejects waits until the worker is in another quorum", async () => {
  const all = talk();
  const { link, worker } = all;
  const waiting = assertRejects(() => link.expect("vote"), Error, "Interrupted");
  link.interrupt(new Error("Interrupted"));
  await soon(waiting);
  await worker.send({ type: "formed" });
  await assertRejects(() => soon(link.expect("formed")), Error, "Interrupted");
  link.move(1);
  worker.attempt = 1;
  await worker.send({ type: "formed" });
  assertEquals((await soon(link.expect("formed"))).reply, { type: "formed" });
  assertEquals(all.ended, []);
  await close(all);
});

const WRONG: Readonly<Record<string, { header: Header; bytes?: number; says: string }>> = {
  "a part larger than any": {
    header: { type: "part", vector: "m", bucket: 0, start: 0 },
    bytes: 9,
    says: "needs at most 8 bytes: got 9",
  },
  "bytes behind a reply that has none": {
    header: { type: "formed" },
    bytes: 1,
    says: "Cannot take formed: needs at most 0 bytes: got 1",
  },
  "a reply of no known type": { header: { type: "hello" }, says: "Cannot read hello" },
  "a reply that lacks a key": { header: { type: "proof" }, says: "Cannot read proof: hash" },
  "a reply with one key more": {
    header: { type: "formed", also: 1 },
    says: "Cannot read formed",
  },
  "a rank that is no number": {
    header: { type: "beat", waiting: ["0"] },
    says: "Cannot read beat: waiting.0",
  },
  "a step below 0": {
    header: { type: "vote", step: -1, loss: 1, norm: 1, nonFinite: 0, times: {} },
    says: "Cannot read vote: step",
  },
};

for (const [what, { header, bytes = 0, says }] of Object.entries(WRONG)) {
  Deno.test(`a link ends the conversation at ${what}, and reports nothing of it`, async () => {
    const { link, worker, received, ended, listening } = talk({ part: 8 });
    await worker.send(header, new Uint8Array(bytes)).catch(() => {});
    await soon(listening);
    assertEquals(ended.length, 1);
    assert(ended[0]?.includes(says), ended[0]);
    assertEquals(received, []);
    await soon(assertRejects(() => worker.send({ type: "formed" }))); // closed from our side
    await link.order({ type: "stop" }); // a lost worker is noticed by the end of its channel
  });
}

Deno.test("a link takes a loss that is not a number, and one that is infinite", async () => {
  const all = talk();
  const times = { compute: 1, exchange: 0, write: 0, inspect: 0, sent: 0, hidden: 0, waited: [] };
  for (const value of [NaN, Infinity, -Infinity]) {
    const vote = { type: "vote", step: 1, loss: value, norm: value, nonFinite: 3, times } as const;
    await all.worker.send(vote);
    assertEquals((await soon(all.link.expect("vote"))).reply, vote);
  }
  await close(all);
});

Deno.test("closing a link ends it once, without an error", async () => {
  const { link, ended, listening } = talk();
  link.close();
  link.close();
  await soon(listening);
  assertEquals(ended, ["its channel ended"]);
});
