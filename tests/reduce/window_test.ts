/** How far a worker may be ahead of the owner of a slice, and who is waited for meanwhile. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { AllReducer } from "../../src/reduce/all_reduce.ts";
import { assign } from "../../src/reduce/assign.ts";
import { WINDOW } from "../../src/reduce/division.ts";
import { ReduceError } from "../../src/reduce/exchange.ts";
import type { Frame } from "../../src/transport/channel.ts";
import { memoryPair } from "../../src/transport/memory.ts";
import { soon } from "../transport/wire.ts";
import { closeAll, memoryMesh, reducers, rootsOf, summed } from "./mesh.ts";

const CHUNK = 16;
/** Chunks of a slice. */
const CHUNKS = 10;

const pause = () => new Promise((resolve) => setTimeout(resolve, 20));

/** Rank 0 of two, in the middle of a step, and the other end. */
function begun(chunk: number) {
  const length = 2 * CHUNKS * chunk;
  const [mine, peer] = memoryPair({ attempt: 1 });
  const ranges = assign(2, 2);
  const peers = [undefined, mine];
  const reducer = new AllReducer({ rank: 0, peers, ranges, length, chunk });
  const reduced = summed(reducer, 3, rootsOf({ first: 0, count: 1 }, length));
  reduced.catch(() => {});
  const sum = (i: number) => {
    const start = (CHUNKS + i) * chunk;
    const header = { type: "sum", step: 3, start, end: start + chunk };
    return peer.send(header, new Uint8Array(4 * chunk));
  };
  return { reduced, peer, sum };
}

const rootOf = (chunk: number) => {
  const start = chunk * CHUNK;
  return { type: "root", step: 3, start, end: start + CHUNK, level: 0, index: 1 };
};

Deno.test("a worker sends roots no further ahead than the owner of their slice has room for", async () => {
  const { reduced, peer, sum } = begun(CHUNK);
  const frames: Frame[] = [];
  const reading = (async () => {
    for (let frame; (frame = await peer.receive()) !== undefined;) frames.push(frame);
  })();
  const roots = () => frames.filter(({ header }) => header.type === "root").length;
  await pause();
  assertEquals(roots(), WINDOW);
  await sum(0);
  await pause();
  assertEquals(roots(), WINDOW + 1);
  peer.close();
  await soon(assertRejects(() => reduced, ReduceError));
  await reading;
});

Deno.test("roots for which there is no room, and sums of roots that were not sent, are refused", async () => {
  // More than a channel holds: the first root is still being sent.
  const { reduced, sum } = begun(2 ** 18);
  const refusedSum = assertRejects(() => reduced, ReduceError, "they were not sent");
  for (let i = 0; i < 2; i++) await sum(i).catch(() => {});
  await soon(refusedSum);
  // The reducer adds a chunk as soon as it is there, so three of them keep it from doing so.
  const [a, b] = [memoryPair({ attempt: 1 }), memoryPair({ attempt: 1 })];
  const ranges = assign(3, 3);
  const peers = [undefined, a[0], b[0]];
  const length = 3 * CHUNKS * CHUNK;
  const reducer = new AllReducer({ rank: 0, peers, ranges, length, chunk: CHUNK });
  const refusedRoot = assertRejects(
    () => summed(reducer, 3, rootsOf({ first: 0, count: 1 }, length)),
    ReduceError,
    "needs room for",
  );
  for (let i = 0; i <= WINDOW; i++) {
    await a[1].send(rootOf(i), new Uint8Array(4 * CHUNK)).catch(() => {});
  }
  await soon(refusedRoot);
});

Deno.test("a worker that is behind is the one that is waited for, not those that wait for it too", async () => {
  const mesh = await memoryMesh(3);
  const all = reducers(mesh, 4, 3 * CHUNKS * CHUNK, { chunk: CHUNK });
  const ranges = assign(4, 3);
  const reduced = [0, 1].map((rank) => {
    const roots = rootsOf(ranges[rank] ?? { first: 0, count: 0 }, 3 * CHUNKS * CHUNK);
    return assertRejects(() => summed(all[rank] as AllReducer, 0, roots), ReduceError);
  });
  await pause();
  assertEquals(all.slice(0, 2).map(({ waiting }) => waiting), [[2], [2]]);
  closeAll(mesh);
  assert((await soon(Promise.all(reduced))).length === 2);
});
