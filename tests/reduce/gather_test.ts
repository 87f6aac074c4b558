/** All-gather of data per micro-batch. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { rangesOf } from "../../src/reduce/assign.ts";
import { ReduceError } from "../../src/reduce/exchange.ts";
import { Gatherer } from "../../src/reduce/gather.ts";
import { memoryPair } from "../../src/transport/memory.ts";
import type { Channel } from "../../src/transport/channel.ts";
import { soon } from "../transport/wire.ts";
import { bits, closeAll, gradient, memoryMesh, type Mesh } from "./mesh.ts";

/** The data of micro-batches after a step, concatenated. */
function wholeOf(step: number, microBatches: number, size: number): Float32Array {
  return gradient(step, microBatches * size);
}

function gatherers(mesh: Mesh, counts: readonly number[], size: number): Gatherer[] {
  const ranges = rangesOf(counts);
  return mesh.map((peers, rank) => new Gatherer({ rank, peers, ranges, size }));
}

/** The array of a rank before it receives the others' parts. */
function ownOf(whole: Float32Array, counts: readonly number[], rank: number): Float32Array {
  const size = whole.length / counts.reduce((a, b) => a + b, 0);
  const { first, count } = rangesOf(counts)[rank] ?? { first: 0, count: 0 };
  return whole.map((value, i) => i >= first * size && i < (first + count) * size ? value : -7);
}

for (
  const counts of [[4, 4], [1, 7], [5, 2, 1], [3, 3, 2], [1, 1, 5, 1], [2, 0, 2], [0, 0, 0, 4]]
) {
  Deno.test(`gather() brings the parts of ${counts.join("+")} micro-batches to all`, async () => {
    const microBatches = counts.reduce((a, b) => a + b, 0);
    for (const size of [1, 3, 20_000]) {
      const mesh = await memoryMesh(counts.length);
      const all = gatherers(mesh, counts, size);
      for (const step of [0, 1, 5]) {
        const whole = wholeOf(step, microBatches, size);
        const buffers = all.map((_, rank) => ownOf(whole, counts, rank));
        await soon(
          Promise.all(all.map((g, rank) => g.gather(step, buffers[rank] as Float32Array))),
        );
        for (const buffer of buffers) assertEquals(bits(buffer), bits(whole));
        assertEquals(all.flatMap(({ waiting }) => waiting), []);
      }
      closeAll(mesh);
    }
  });
}

Deno.test("gather() reports the ranks that it waits for", async () => {
  const mesh = await memoryMesh(3);
  const counts = [2, 1, 1];
  const [first, second, third] = gatherers(mesh, counts, 2) as [Gatherer, Gatherer, Gatherer];
  assertEquals(first.waiting, []);
  const whole = wholeOf(0, 4, 2);
  const gathering = [first, second].map((g, rank) => g.gather(0, ownOf(whole, counts, rank)));
  await new Promise((resolve) => setTimeout(resolve, 10));
  assertEquals([first.waiting, second.waiting], [[2], [2]]);
  gathering.push(third.gather(0, ownOf(whole, counts, 2)));
  await soon(Promise.all(gathering));
  assertEquals([first.waiting, second.waiting], [[], []]);
  closeAll(mesh);
});

Deno.test("gather() rejects on all workers if one dies during it", async () => {
  const size = 200_000; // more than a pipe holds, so that the others are in the middle
  const counts = [1, 1, 1, 1];
  const mesh = await memoryMesh(4);
  const all = gatherers(mesh, counts, size);
  const whole = wholeOf(0, 4, size);
  const alive = [0, 1, 2].map((rank) =>
    assertRejects(() => (all[rank] as Gatherer).gather(0, ownOf(whole, counts, rank)), ReduceError)
  );
  const dying = mesh[3] ?? [];
  await dying[0]?.receive();
  for (const channel of dying) channel?.close();
  const errors = await soon(Promise.all(alive));
  assert(errors.some(({ rank }) => rank === 3));
  assertEquals(all.flatMap(({ waiting }) => waiting), []);
});

/** Rank 0 of two, with a peer that sends what `speak` sends, in step 7. */
async function against(speak: (peer: Channel) => Promise<void>): Promise<ReduceError> {
  const [mine, peer] = memoryPair({ attempt: 1 });
  const gatherer = new Gatherer({
    rank: 0,
    peers: [undefined, mine],
    ranges: rangesOf([1, 1]),
    size: 4,
  });
  const rejected = assertRejects(() => gatherer.gather(7, new Float32Array(8)), ReduceError);
  await speak(peer);
  const error = await soon(rejected);
  assertEquals(error.rank, 1);
  assert(error.message.startsWith("Cannot reduce step 7 with rank 1: "), error.message);
  await soon(assertRejects(() => mine.send({ type: "x" }))); // closed, so nobody waits for it
  return error;
}

Deno.test("gather() rejects another step, another message, and lanes of another size", async () => {
  const data = new Uint8Array(16);
  const step = await against((peer) => peer.send({ type: "lanes", step: 6 }, data));
  assert(step.message.includes("needs the lanes of step 7: got lanes"), step.message);
  const type = await against((peer) => peer.send({ type: "sum", step: 7 }, data));
  assert(type.message.includes("needs the lanes of step 7: got sum"), type.message);
  const short = await against((peer) => peer.send({ type: "lanes", step: 7 }, data.subarray(4)));
  assert(short.message.includes("needs a buffer of 12 B: got 16"), short.message);
  const empty = await against((peer) => peer.send({ type: "lanes", step: 7 }));
  assert(empty.message.includes("got nothing"), empty.message);
});

Deno.test("gather() rejects if the peer closes", async () => {
  const error = await against((peer) => Promise.resolve(peer.close()));
  assert(/it has left|needs a peer that reads|closed/.test(error.message), error.message);
});
