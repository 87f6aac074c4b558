/** A worker's quorum: its peers, its own micro-batches, and its end. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ReduceError } from "../../../src/reduce/exchange.ts";
import type { MicroBatchRange } from "../../../src/reduce/assign.ts";
import { ChannelError } from "../../../src/transport/channel.ts";
import { memoryPair } from "../../../src/transport/memory.ts";
import { type Meant, Quorum } from "../../../workers/trainer/quorum.ts";
import type { Meet } from "../../../workers/trainer/quorum.ts";
import { Lobby } from "../../../workers/trainer/lobby.ts";
import { bits, rootsOf, summed, treeSum } from "../../reduce/mesh.ts";
import { soon } from "../../transport/wire.ts";

const SIZES: Meant = {
  length: 37,
  laneSize: 0,
  way: "file",
  midway: () => Promise.resolve(),
};

/** The quorum of a rank that takes its part of `counts`. */
function quorum(rank: number, counts: readonly number[], attempt = 1): Quorum {
  const members = counts.map((count, workerId) => ({ workerId, count, donor: -1 }));
  return new Quorum({ type: "form", attempt, rank, members, step: 0 });
}

/** Ways to meet in this process, by worker slot. */
function meetings(world: number): Meet[] {
  const lobbies = Array.from({ length: world }, () => new Lobby());
  return lobbies.map((own): Meet => async ({ attempt, rank, members, signal }) =>
    await Promise.all(members.map(({ workerId }, peer) => {
      if (peer === rank) return undefined;
      if (peer > rank) return own.meet(attempt, peer, signal);
      const [mine, theirs] = memoryPair({ attempt });
      lobbies[workerId]?.enter(theirs, { attempt, rank });
      return mine;
    }))
  );
}

/** A whole quorum that is connected. */
async function met(
  counts: readonly number[],
  sizes: Partial<typeof SIZES> = {},
): Promise<Quorum[]> {
  const meets = meetings(counts.length);
  const all = counts.map((_, rank) => quorum(rank, counts));
  await soon(
    Promise.all(all.map((one, rank) => one.meet(meets[rank] as Meet, { ...SIZES, ...sizes }))),
  );
  return all;
}

Deno.test("a quorum has the own micro-batches and those of all", () => {
  const one = quorum(1, [3, 1, 4]);
  assertEquals([one.rank, one.world, one.attempt], [1, 3, 1]);
  assertEquals(one.range, { first: 3, count: 1 });
  assertEquals(one.indices, [3]);
  assertEquals(quorum(2, [3, 1, 4]).indices, [4, 5, 6, 7]);
  assertEquals(one.ranges.map(({ first }: MicroBatchRange) => first), [0, 3, 4]);
});

Deno.test("a worker alone has no peers, and nothing to reduce or gather", async () => {
  const one = quorum(0, [8]);
  await one.meet(() => Promise.reject(new Error("It met somebody")), { ...SIZES, laneSize: 4 });
  assertEquals([one.reducer, one.gatherer, one.waitsFor], [undefined, undefined, []]);
  assertThrows(() => one.peer(0), RangeError, "Cannot reach rank 0: it was not met");
});

Deno.test("a connected quorum reduces and gathers over the channels to all others", async () => {
  const counts = [5, 1, 2];
  const all = await met(counts, { laneSize: 2 });
  const sums = await soon(Promise.all(all.map((one) => {
    const roots = rootsOf(one.range, SIZES.length);
    return summed(one.reducer ?? assertMissing(), 0, roots);
  })));
  for (const sum of sums) assertEquals(bits(sum), bits(treeSum(8, SIZES.length)));
  const lanes = await soon(Promise.all(all.map(async (one) => {
    const own = Float32Array.from({ length: 16 }, (_, i) => one.indices.includes(i >> 1) ? i : -1);
    await (one.gatherer ?? assertMissing()).gather(0, own);
    return [...own];
  })));
  for (const each of lanes) assertEquals(each, Array.from({ length: 16 }, (_, i) => i));
  for (const one of all) one.end();
});

function assertMissing(): never {
  throw new Error("A connected quorum lacks its reducer or gatherer");
}

Deno.test("a model that carries nothing has nothing to gather", async () => {
  const all = await met([2, 2]);
  assertEquals(all.map(({ gatherer }) => gatherer), [undefined, undefined]);
  for (const one of all) one.end();
});

Deno.test("peer() is the channel to another rank, and refuses the own and unknown ones", async () => {
  const all = await met([1, 1, 2]);
  await all[0]?.peer(2).send({ type: "hello" });
  assertEquals((await soon(all[2]?.peer(0).receive() ?? assertMissing()))?.header.type, "hello");
  for (const rank of [0, 3, -1]) {
    assertThrows(() => all[0]?.peer(rank), RangeError, `Cannot reach rank ${rank}`);
  }
  for (const one of all) one.end();
});

Deno.test("waitsFor lists the ranks whose data is awaited", async () => {
  const all = await met([2, 1, 1]) as [Quorum, Quorum, Quorum];
  assertEquals(all[0].waitsFor, []);
  const roots = (one: Quorum) => rootsOf(one.range, SIZES.length);
  const reducing = [all[0], all[1]].map((one) =>
    summed(one.reducer ?? assertMissing(), 0, roots(one))
  );
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert(all[0].waitsFor.includes(2) && all[1].waitsFor.includes(2));
  reducing.push(summed(all[2].reducer ?? assertMissing(), 0, roots(all[2])));
  await soon(Promise.all(reducing));
  assertEquals(all.flatMap(({ waitsFor: waiting }) => waiting), []);
  for (const one of all) one.end();
});

Deno.test("end() ends the waits of others for this worker, and its own", async () => {
  const all = await met([2, 1, 1]);
  const reducing = all.slice(0, 2).map((one) =>
    assertRejects(
      () => summed(one.reducer ?? assertMissing(), 0, rootsOf(one.range, SIZES.length)),
      ReduceError,
    )
  );
  await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(all.map(({ isOver }) => isOver), [false, false, false]);
  all[2]?.end();
  await soon(Promise.all(reducing));
  assertEquals(all.map(({ isOver }) => isOver), [false, false, true]);
  all[2]?.end(); // as often as one likes
  for (const one of all) one.end();
});

Deno.test("end() while peers are awaited rejects as a closed channel does", async () => {
  const one = quorum(0, [2, 2]);
  const meeting = assertRejects(() => one.meet(meetings(2)[0] as Meet, SIZES), ChannelError);
  one.end();
  await soon(meeting);
  assertEquals([one.isOver, one.reducer], [true, undefined]);
});

Deno.test("a quorum that is over before it is connected closes late channels", async () => {
  const one = quorum(1, [2, 2]);
  const [mine, theirs] = memoryPair({ attempt: 1 });
  const late = Promise.withResolvers<void>();
  const meeting = one.meet(() => late.promise.then(() => [mine, undefined]), SIZES);
  one.end();
  late.resolve();
  await soon(meeting);
  assertEquals(one.reducer, undefined);
  assertEquals(await soon(theirs.receive()), undefined);
});

Deno.test("the next quorum connects though one member is still in the last", async () => {
  const meets = meetings(2);
  const old = quorum(1, [2, 2], 1);
  await soon(old.meet(meets[1] as Meet, SIZES)); // rank 0 never got the order for attempt 1
  const all = [0, 1].map((rank) => quorum(rank, [2, 2], 2));
  await soon(Promise.all(all.map((one, rank) => one.meet(meets[rank] as Meet, SIZES))));
  assertEquals(await soon(old.peer(0).receive()), undefined);
  await all[0]?.peer(1).send({ type: "hello" });
  assertEquals((await soon(all[1]?.peer(0).receive() ?? assertMissing()))?.header.type, "hello");
  for (const one of [old, ...all]) one.end();
});
