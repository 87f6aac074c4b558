/** Test support: meshes of channels, gradients, and the sum by a single process. */
import { assertEquals } from "@std/assert";
import { threefry } from "../../src/base/random.ts";
import { AllReducer } from "../../src/reduce/all_reduce.ts";
import { assign, type MicroBatchRange } from "../../src/reduce/assign.ts";
import type { Slice } from "../../src/reduce/slices.ts";
import { finish, merge, type SubtreePart } from "../../src/reduce/tree.ts";
import type { Channel, FencedChannel } from "../../src/transport/channel.ts";
import { memoryPair } from "../../src/transport/memory.ts";

/** `mesh[i][j]` is the end of rank i towards rank j. */
export type Mesh = readonly (readonly (FencedChannel | undefined)[])[];

/** A full mesh of channels, opened one by one. */
export async function meshOf(
  world: number,
  open: () => Promise<[FencedChannel, FencedChannel]>,
): Promise<Mesh> {
  const mesh = Array.from({ length: world }, () => Array<FencedChannel | undefined>(world));
  for (let i = 0; i < world; i++) {
    for (let j = i + 1; j < world; j++) {
      const [a, b] = await open();
      (mesh[i] as FencedChannel[])[j] = a;
      (mesh[j] as FencedChannel[])[i] = b;
    }
  }
  return mesh;
}

export function memoryMesh(world: number): Promise<Mesh> {
  return meshOf(world, () => Promise.resolve(memoryPair({ attempt: 1 })));
}

export function closeAll(mesh: Mesh): void {
  for (const end of mesh.flat()) end?.close();
}

/** A gradient of a micro-batch: sizes from subnormal to 1, with zeros of both signs. */
export function gradient(microBatch: number, n: number): Float32Array {
  const out = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    const [a, b] = threefry([microBatch, n], i, 3);
    const scale = [1, 1, 2 ** -20, 2 ** -127, 2 ** -149, 0][b % 6] as number;
    out[i] = (a / 2 ** 31 - 1) * scale;
  }
  return out;
}

/** A worker's subtree roots. */
export function rootsOf({ first, count }: MicroBatchRange, n: number): SubtreePart[] {
  let stack: SubtreePart[] = [];
  for (let i = first; i < first + count; i++) {
    stack = merge([...stack, { node: { level: 0, index: i }, data: gradient(i, n) }]);
  }
  return stack;
}

/** The sum by one process. */
export function treeSum(microBatches: number, n: number): Float32Array {
  return finish(rootsOf({ first: 0, count: microBatches }, n), microBatches);
}

/** The bits of floats, so that -0 and NaN differ from 0. */
export function bits(data: Float32Array): Uint32Array {
  return new Uint32Array(data.buffer, data.byteOffset, data.length).slice();
}

/** The sum of a step, put together from its parts. */
export async function summed(
  reducer: AllReducer,
  step: number,
  roots: readonly SubtreePart[],
  arrived?: readonly Promise<void>[],
): Promise<Float32Array> {
  const parts: { at: number; data: Float32Array }[] = [];
  const take = (at: number, sum: Float32Array) => void parts.push({ at, data: sum.slice() });
  await reducer.reduce(step, roots, { arrived, take });
  const ordered = parts.sort((a, b) => a.at - b.at);
  const whole = new Float32Array(ordered.reduce((n, { data }) => n + data.length, 0));
  let end = 0;
  for (const { at, data } of ordered) {
    assertEquals(at, end, "each element of the sum is given once");
    whole.set(data, at);
    end += data.length;
  }
  return whole;
}

/** A reducer per rank. */
export function reducers(
  mesh: Mesh,
  microBatches: number,
  length: number,
  options: { chunk?: number; pieces?: readonly Slice[] } = {},
): AllReducer[] {
  const ranges = assign(microBatches, mesh.length);
  return mesh.map((peers: readonly (Channel | undefined)[], rank) =>
    new AllReducer({ rank, peers, ranges, length, ...options })
  );
}
