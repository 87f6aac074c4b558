/** The all-reduce over shared memory: bits, fallbacks, and what is left behind. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { AllReducer } from "../../src/reduce/all_reduce.ts";
import { assign } from "../../src/reduce/assign.ts";
import { ReduceError } from "../../src/reduce/exchange.ts";
import { EXCHANGE_WAYS, type ExchangeWay } from "../../src/reduce/schema.ts";
import { type Libc, openLibc } from "../../src/transport/libc.ts";
import type { Slice } from "../../src/reduce/slices.ts";
import { OwnRegion, PeerRegion } from "../../src/transport/region.ts";
import {
  closeShared,
  openShared,
  type SharePlace,
  type Sharing,
} from "../../workers/trainer/share.ts";
import { soon } from "../transport/wire.ts";
import { bits, closeAll, memoryMesh, type Mesh, rootsOf, summed, treeSum } from "./mesh.ts";

/** Chunks of 64 KiB, the least that is shared. */
const CHUNK = 2 ** 14;
/** Three slices of several windows. */
const LENGTH = 3 * 10 * CHUNK + 77;
const MICRO_BATCHES = 4;

interface World {
  readonly mesh: Mesh;
  readonly sharing: readonly Sharing[];
  readonly reducers: readonly AllReducer[];
}

/** How a worker shares its memory. */
type Place = Pick<SharePlace, "folder" | "libc"> & { readonly way: ExchangeWay };

/** A world of workers; `placeOf` says how each shares its memory. */
async function worldOf(
  world: number,
  placeOf: (rank: number) => Place,
  pieces?: readonly Slice[],
): Promise<World> {
  const mesh = await memoryMesh(world);
  const ranges = assign(MICRO_BATCHES, world);
  const shape = { ranges, length: LENGTH, chunk: CHUNK, pieces };
  const sharing = await Promise.all(
    mesh.map((peers, rank) => {
      const { way, ...place } = placeOf(rank);
      return openShared(peers, { ...shape, rank, way }, { attempt: 1, ...place });
    }),
  );
  const reducers = mesh.map((peers, rank) =>
    new AllReducer({ rank, peers, ...shape, shared: sharing[rank]?.memory })
  );
  return { mesh, sharing, reducers };
}

async function checkBits({ reducers }: World): Promise<void> {
  const ranges = assign(MICRO_BATCHES, reducers.length);
  const expected = bits(treeSum(MICRO_BATCHES, LENGTH));
  for (let step = 0; step < 3; step++) {
    const sums = await soon(
      Promise.all(
        reducers.map((reducer, rank) =>
          summed(reducer, step, rootsOf(ranges[rank] ?? { first: 0, count: 0 }, LENGTH))
        ),
      ),
    );
    for (const sum of sums) assertEquals(bits(sum), expected);
  }
}

/** Pieces in the order of a backward pass: not that of the vector, one shorter than a chunk. */
const PIECES = [
  { start: 20 * CHUNK, end: LENGTH },
  { start: 64, end: 8 * CHUNK },
  { start: 8 * CHUNK, end: 20 * CHUNK },
  { start: 0, end: 64 },
];

/** Reduces in pieces, each of which every worker has at another moment. */
async function checkPieces(placeOf: (rank: number) => Place): Promise<void> {
  const world = 3;
  const all = await worldOf(world, placeOf, PIECES);
  const ranges = assign(MICRO_BATCHES, world);
  const expected = bits(treeSum(MICRO_BATCHES, LENGTH));
  for (let step = 0; step < 2; step++) {
    const sums = all.reducers.map((reducer, rank) => {
      const own = rootsOf(ranges[rank] ?? { first: 0, count: 0 }, 1).length;
      const roots = rootsOf(ranges[rank] ?? { first: 0, count: 0 }, LENGTH).map((root, i) => {
        const data = reducer.rootBuffer(i) as Float32Array;
        const isLast = i === own - 1;
        // What is not there yet must not be sent.
        return { node: root.node, data: isLast ? data.fill(NaN) : (data.set(root.data), data) };
      });
      const last = rootsOf(ranges[rank] ?? { first: 0, count: 0 }, LENGTH).at(-1);
      const into = roots.at(-1)?.data;
      const arrived: Promise<void>[] = [];
      PIECES.forEach(({ start, end }, piece) => {
        const before = arrived.at(-1);
        arrived.push((async () => {
          await before;
          await new Promise((resolve) => setTimeout(resolve, 3 * ((rank + piece + step) % 3)));
          if (last !== undefined) into?.set(last.data.subarray(start, end), start);
        })());
      });
      return summed(reducer, step, roots, arrived);
    });
    for (const sum of await soon(Promise.all(sums))) assertEquals(bits(sum), expected);
  }
  close(all);
}

function close({ mesh, sharing }: World): void {
  closeAll(mesh);
  for (const { memory } of sharing) if (memory !== undefined) closeShared(memory);
}

/** A folder that is removed. */
function tempFolder(): { readonly path: string } & Disposable {
  const path = Deno.makeTempDirSync({ prefix: "shoal-shared-" });
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

const waysOf = ({ sharing }: World) => sharing.map(({ way }) => way);

for (const way of EXCHANGE_WAYS) {
  for (const world of [2, 3, 4, 5]) {
    Deno.test(`reduce() by ${way} has the bits of one process with ${world} workers`, async () => {
      using folder = tempFolder();
      const all = await worldOf(world, () => ({ folder: folder.path, way }));
      // Names are gone as soon as all have opened the regions.
      assertEquals(Array.from(Deno.readDirSync(folder.path)), []);
      assertEquals(waysOf(all), new Array(world).fill(way));
      await checkBits(all);
      close(all);
    });
  }

  Deno.test(`reduce() by ${way} in pieces that arrive late has the bits of one process`, async () => {
    using folder = tempFolder();
    await checkPieces(() => ({ folder: folder.path, way }));
  });
}

Deno.test("workers that share in different ways take from each other what there is", async () => {
  using folder = tempFolder();
  const ways: readonly ExchangeWay[] = ["mmap", "file", "sockets", "mmap"];
  const all = await worldOf(4, (rank) => ({
    folder: folder.path,
    way: ways[rank] ?? "file",
  }));
  // A worker that does not map cannot read what is mapped, but reads files.
  assertEquals(waysOf(all), ["sockets", "file", "sockets", "sockets"]);
  assertEquals(
    all.sharing.map(({ memory }) => memory?.read.filter((reads) => reads).length),
    [1, 3, 0, 1],
  );
  await checkBits(all);
  close(all);
});

Deno.test("memory that cannot be mapped is shared as a file, with the reason", async () => {
  using folder = tempFolder();
  const full = openLibc();
  assert(full !== undefined, "this system has a C library");
  // A system without room for another file in memory.
  const crowded: Libc = Object.create(full, { createFile: { value: () => undefined } });
  for (const [libc, why] of [[undefined, "C library"], [crowded, "could not share"]] as const) {
    const all = await worldOf(3, () => ({ folder: folder.path, way: "mmap", libc: () => libc }));
    assertEquals(waysOf(all), ["file", "file", "file"]);
    for (const each of all.sharing) assert(each.why?.includes(why), each.why);
    await checkBits(all);
    close(all);
  }
});

Deno.test("a frame that carries a payload is refused when the memory of the peer is mapped read-only", async () => {
  using folder = tempFolder();
  const all = await worldOf(2, () => ({ folder: folder.path, way: "mmap" }));
  const [range] = assign(MICRO_BATCHES, 2);
  const reduced = assertRejects(
    () => summed(all.reducers[0] as AllReducer, 0, rootsOf(range ?? assertMissing(), LENGTH)),
    ReduceError,
    "in mapped memory",
  );
  const header = { type: "root", step: 0, start: 0, end: CHUNK, level: 1, index: 1 };
  await all.mesh[1]?.[0]?.send(header, new Uint8Array(4 * CHUNK));
  await soon(reduced);
  close(all);
});

function assertMissing(): never {
  throw new Error("There is no such rank");
}

Deno.test("a worker whose region cannot be made sends in frames, and takes from the others' regions", async () => {
  using folder = tempFolder();
  const all = await worldOf(3, (rank) => ({
    folder: rank === 1 ? "/nowhere/at/all" : folder.path,
    way: "file",
  }));
  const own = all.sharing.map(({ memory }) => memory?.own !== undefined);
  assertEquals(own, [true, false, true]);
  assertEquals(waysOf(all)[1], "sockets");
  await checkBits(all);
  close(all);
});

Deno.test("a folder that takes no region, and one whose region others may not read, are no fault", async () => {
  const nowhere = "/nowhere/at/all";
  assertEquals(OwnRegion.create(`${nowhere}/region`, 10), undefined);
  assertEquals(PeerRegion.open(`${nowhere}/region`), undefined);
  using folder = tempFolder();
  const path = `${folder.path}/region`;
  using own = OwnRegion.create(path, 10);
  assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
  // Another file of that name is not written to.
  assertEquals(OwnRegion.create(path, 10), undefined);
  own?.unlink();
  assertEquals(Array.from(Deno.readDirSync(folder.path)), []);
  const all = await worldOf(2, () => ({ folder: nowhere, way: "file" }));
  assertEquals(waysOf(all), ["sockets", "sockets"]);
  await checkBits(all);
  close(all);
});

Deno.test("a payload that was changed or cut in shared memory is refused, naming the rank", async () => {
  using folder = tempFolder();
  const path = `${folder.path}/region`;
  using own = OwnRegion.create(path, 100);
  using peer = PeerRegion.open(path);
  const payload = Uint8Array.from({ length: 50 }, (_, i) => i);
  const placed = own?.put(10, payload);
  assert(placed !== undefined && peer !== undefined);
  const target = new Uint8Array(50);
  peer.take(placed, target);
  assertEquals(target, payload);
  own?.put(20, Uint8Array.of(255));
  const damaged = await assertRejects(async () => await peer.take(placed, target));
  assert(String(damaged).includes("CRC-32 differs"));
  const short = await assertRejects(async () => await peer.take({ ...placed, at: 60 }, target));
  assert(String(short).includes("the region ends"));
  const all = await worldOf(2, () => ({ folder: folder.path, way: "file" }));
  // A worker whose region is gone fails its reduce, and with it the other's.
  all.sharing[0]?.memory?.own?.[Symbol.dispose]();
  const ranges = assign(MICRO_BATCHES, 2);
  const failed = all.reducers.map((reducer, rank) =>
    assertRejects(
      () => summed(reducer, 0, rootsOf(ranges[rank] ?? { first: 0, count: 0 }, LENGTH)),
      ReduceError,
    )
  );
  const [cause] = await soon(Promise.all(failed));
  assert(cause?.message.startsWith("Cannot reduce step 0 with rank "), cause?.message);
  closeAll(all.mesh);
});

Deno.test("a member that leaves while memory is shared is an error, and nothing is left behind", async () => {
  using folder = tempFolder();
  const mesh = await memoryMesh(2);
  const ranges = assign(MICRO_BATCHES, 2);
  const shape = { rank: 0, ranges, length: LENGTH, chunk: CHUNK, way: "file" } as const;
  const sharing = assertRejects(
    () => openShared(mesh[0] ?? [], shape, { folder: folder.path, attempt: 1 }),
    Error,
    "Cannot share memory with rank 1",
  );
  await mesh[1]?.[0]?.receive();
  closeAll(mesh);
  await soon(sharing);
  assertEquals(Array.from(Deno.readDirSync(folder.path)), []);
});
