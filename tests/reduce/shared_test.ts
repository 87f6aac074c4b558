/** The all-reduce over shared memory: bits, fallbacks, and what is left behind. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { AllReducer, regionLayout } from "../../src/reduce/all_reduce.ts";
import { assign } from "../../src/reduce/assign.ts";
import { ReduceError } from "../../src/reduce/exchange.ts";
import { regionBytes, type SharedMemory } from "../../src/reduce/shared.ts";
import { OwnRegion, PeerRegion } from "../../src/transport/region.ts";
import { closeShared, openShared } from "../../workers/trainer/share.ts";
import { soon } from "../transport/wire.ts";
import { bits, closeAll, memoryMesh, type Mesh, rootsOf, treeSum } from "./mesh.ts";

/** Chunks of 64 KiB, the least that is shared. */
const CHUNK = 2 ** 14;
/** Three slices of several windows. */
const LENGTH = 3 * 10 * CHUNK + 77;
const MICRO_BATCHES = 4;

interface World {
  readonly mesh: Mesh;
  readonly shared: readonly (SharedMemory | undefined)[];
  readonly reducers: readonly AllReducer[];
}

/** A world of workers with regions in `folder`; `bytesOf` changes the sizes of regions. */
async function worldIn(
  folder: string,
  world: number,
  bytesOf: (rank: number, bytes: number) => number = (_, bytes) => bytes,
): Promise<World> {
  const mesh = await memoryMesh(world);
  const ranges = assign(MICRO_BATCHES, world);
  const shape = { ranges, length: LENGTH, chunk: CHUNK };
  const shared = await Promise.all(mesh.map((peers, rank) => {
    const bytes = bytesOf(rank, regionBytes(regionLayout({ rank, ...shape })));
    return openShared(peers, { folder, attempt: 1, rank, bytes });
  }));
  const reducers = mesh.map((peers, rank) =>
    new AllReducer({ rank, peers, ...shape, shared: shared[rank] })
  );
  return { mesh, shared, reducers };
}

async function checkBits({ reducers }: World): Promise<void> {
  const ranges = assign(MICRO_BATCHES, reducers.length);
  const expected = bits(treeSum(MICRO_BATCHES, LENGTH));
  for (let step = 0; step < 3; step++) {
    const sums = await soon(
      Promise.all(
        reducers.map((reducer, rank) =>
          reducer.reduce(step, rootsOf(ranges[rank] ?? { first: 0, count: 0 }, LENGTH))
        ),
      ),
    );
    for (const sum of sums) assertEquals(bits(sum), expected);
  }
}

function close({ mesh, shared }: World): void {
  closeAll(mesh);
  for (const each of shared) if (each !== undefined) closeShared(each);
}

/** A folder that is removed. */
function tempFolder(): { readonly path: string } & Disposable {
  const path = Deno.makeTempDirSync({ prefix: "shoal-shared-" });
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

for (const world of [2, 3, 5]) {
  Deno.test(`reduce() over shared memory has the bits of one process with ${world} workers`, async () => {
    using folder = tempFolder();
    const all = await worldIn(folder.path, world);
    // Names are gone as soon as all have opened the regions.
    assertEquals(Array.from(Deno.readDirSync(folder.path)), []);
    assert(all.shared.every((each) => each !== undefined));
    await checkBits(all);
    close(all);
  });
}

Deno.test("a worker whose region cannot be made sends in frames, and takes from the others' regions", async () => {
  using folder = tempFolder();
  const all = await worldIn(folder.path, 3, (rank, bytes) => rank === 1 ? 0 : bytes);
  assertEquals(all.shared.map((each) => each?.own !== undefined), [true, false, true]);
  await checkBits(all);
  close(all);
});

Deno.test("without any region all payloads travel in their frames", async () => {
  using folder = tempFolder();
  const all = await worldIn(folder.path, 2, () => 0);
  assertEquals(all.shared, [undefined, undefined]);
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
  const all = await worldIn(nowhere, 2);
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
  const all = await worldIn(folder.path, 2);
  const [first] = all.shared;
  // A worker whose region is gone fails its reduce, and with it the other's.
  first?.own?.[Symbol.dispose]();
  const ranges = assign(MICRO_BATCHES, 2);
  const failed = all.reducers.map((reducer, rank) =>
    assertRejects(
      () => reducer.reduce(0, rootsOf(ranges[rank] ?? { first: 0, count: 0 }, LENGTH)),
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
  const sharing = assertRejects(
    () => openShared(mesh[0] ?? [], { folder: folder.path, attempt: 1, rank: 0, bytes: 1000 }),
    Error,
    "Cannot share memory with rank 1",
  );
  await mesh[1]?.[0]?.receive();
  closeAll(mesh);
  await soon(sharing);
  assertEquals(Array.from(Deno.readDirSync(folder.path)), []);
});
