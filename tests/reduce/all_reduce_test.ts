import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { AllReducer } from "../../src/reduce/all_reduce.ts";
import { assign } from "../../src/reduce/assign.ts";
import { ReduceError } from "../../src/reduce/exchange.ts";
import type { Channel } from "../../src/transport/channel.ts";
import { memoryPair } from "../../src/transport/memory.ts";
import { dialUnix, listenUnix } from "../../src/transport/unix.ts";
import { soon } from "../transport/wire.ts";
import {
  bits,
  closeAll,
  memoryMesh,
  type Mesh,
  meshOf,
  reducers,
  rootsOf,
  summed,
  treeSum,
} from "./mesh.ts";

/** Every rank's result of a step. */
function reduceAll(all: readonly AllReducer[], step: number, microBatches: number, n: number) {
  const ranges = assign(microBatches, all.length);
  return soon(Promise.all(
    all.map((reducer, rank) =>
      summed(reducer, step, rootsOf(ranges[rank] ?? { first: 0, count: 0 }, n))
    ),
  ));
}

async function checkBits(
  mesh: Mesh,
  { microBatches, n, ...options }: { microBatches: number; n: number; chunk?: number },
): Promise<void> {
  const expected = bits(treeSum(microBatches, n));
  const all = reducers(mesh, microBatches, n, options);
  for (const step of [0, 1]) {
    for (const sum of await reduceAll(all, step, microBatches, n)) {
      assertEquals(bits(sum), expected);
    }
  }
}

for (const world of [1, 2, 3, 4, 5, 8]) {
  Deno.test(`reduce() has the bits of one process with ${world} workers`, async () => {
    for (const microBatches of [1, 2, 4, 8, 16]) {
      for (const n of [5, 333]) {
        const mesh = await memoryMesh(world);
        await checkBits(mesh, { microBatches, n });
        closeAll(mesh);
      }
    }
  });
  Deno.test(`reduce() in chunks has the bits of one process with ${world} workers`, async () => {
    for (const microBatches of [1, 4, 16]) {
      // Chunks that end within a block of the sums, one of one element, and one that is never full.
      for (const [n, chunk] of [[2000, 80], [333, 1], [333, 1000]] as const) {
        const mesh = await memoryMesh(world);
        await checkBits(mesh, { microBatches, n, chunk });
        closeAll(mesh);
      }
    }
  });
}

Deno.test("reduce() over Unix sockets has the bits of a single process, with large slices", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/s`;
  const listener = await listenUnix(path, { attempt: 1 });
  const mesh = await meshOf(
    3,
    () => Promise.all([dialUnix(path, { attempt: 1 }), listener.accept()]),
  );
  try {
    for (const chunk of [2 ** 18, 20_000]) {
      await checkBits(mesh, { microBatches: 4, n: 500_001, chunk });
    }
  } finally {
    closeAll(mesh);
    listener.close();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("reduce() sends 2 (W - 1) / W of the gradient when the world divides the step", async () => {
  const n = 16 * 840;
  for (const world of [1, 2, 4, 8]) {
    const mesh = await memoryMesh(world);
    const all = reducers(mesh, 8, n);
    await reduceAll(all, 0, 8, n);
    const bytes = 2 * (world - 1) / world * n * 4;
    assertEquals(
      all.map((r) => r.stats),
      all.map(() => ({
        calls: 1,
        bytesSent: bytes,
        bytesReceived: bytes,
      })),
    );
    closeAll(mesh);
  }
});

Deno.test("reduce() rejects on all workers if one dies during it", async () => {
  const n = 400_000; // more than a pipe holds, so that the others are in the middle
  const mesh = await memoryMesh(4);
  const all = reducers(mesh, 4, n);
  const ranges = assign(4, 4);
  const alive = [0, 1, 2].map((rank) => {
    const range = ranges[rank] ?? { first: 0, count: 0 };
    return assertRejects(() => summed(all[rank] as AllReducer, 0, rootsOf(range, n)), ReduceError);
  });
  const dying = mesh[3] ?? [];
  await dying[0]?.receive();
  await new Promise((resolve) => setTimeout(resolve, 5));
  for (const channel of dying) channel?.close();
  const errors = await soon(Promise.all(alive));
  assert(errors.some((error) => error.rank === 3));
});

/** Rank 0 of two, with a peer that sends what `speak` sends. */
async function against(speak: (peer: Channel) => Promise<void>): Promise<ReduceError> {
  const [mine, peer] = memoryPair({ attempt: 1 });
  const ranges = assign(2, 2);
  const reducer = new AllReducer({ rank: 0, peers: [undefined, mine], ranges, length: 32 });
  const reduced = assertRejects(
    () => summed(reducer, 7, rootsOf({ first: 0, count: 1 }, 32)),
    ReduceError,
  );
  await speak(peer);
  const error = await soon(reduced);
  assertEquals(error.rank, 1);
  assert(error.message.startsWith("Cannot reduce step 7 with rank 1: "), error.message);
  await soon(assertRejects(() => mine.send({ type: "x" }))); // closed, so nobody waits for it
  return error;
}

const ROOT = { type: "root", step: 7, start: 0, end: 16, level: 0, index: 1 };
const WRONG = {
  "another step": { ...ROOT, step: 6 },
  "another node": { ...ROOT, index: 0 },
  "another level": { ...ROOT, level: 1 },
  "another slice": { ...ROOT, start: 16, end: 32 },
  "another phase": { type: "sum", step: 7, start: 0, end: 16 },
  "an extra key": { ...ROOT, more: 1 },
};
for (const [what, header] of Object.entries(WRONG)) {
  Deno.test(`reduce() rejects ${what}, naming the rank`, async () => {
    const error = await against((peer) => peer.send(header, new Uint8Array(64)));
    assert(error.message.includes("needs {"), error.message);
  });
}

Deno.test("reduce() rejects a part of another size and one without data", async () => {
  const short = await against((peer) => peer.send(ROOT, new Uint8Array(60)));
  assert(short.message.includes("needs a buffer of 60 B: got 64"), short.message);
  const empty = await against((peer) => peer.send(ROOT));
  assert(empty.message.includes("got no payload"), empty.message);
});

Deno.test("reduce() rejects if a peer closes before its part, or before its sum", async () => {
  const early = await against((peer) => Promise.resolve(peer.close()));
  assert(/it has left|closed/.test(early.message), early.message);
  await against(async (peer) => {
    await peer.send(ROOT, new Uint8Array(64));
    await peer.receive();
    peer.close();
  });
});

Deno.test("reduce() refuses roots that are not the cover of the range", async () => {
  const mesh = await memoryMesh(2);
  const [reducer] = reducers(mesh, 4, 8) as [AllReducer];
  const half = rootsOf({ first: 0, count: 2 }, 8);
  for (
    const roots of [[], rootsOf({ first: 0, count: 1 }, 8), rootsOf({ first: 2, count: 2 }, 8), [
      ...half,
      ...half,
    ], rootsOf({ first: 0, count: 2 }, 9)]
  ) {
    await assertRejects(() => summed(reducer, 0, roots), RangeError, "micro-batches [0, 2) of 8");
  }
  closeAll(mesh);
});

Deno.test("AllReducer refuses a world without a channel to each peer", () => {
  const ranges = assign(4, 2);
  const make = () => new AllReducer({ rank: 0, peers: [undefined], ranges, length: 8 });
  assertThrows(make, RangeError, "a channel to rank 1");
});
