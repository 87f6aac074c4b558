/** Where the vectors of an exchange lie: own roots, roots of the others, sums. */
import type { PeerMapping } from "../transport/mapping.ts";
import {
  divide,
  type Division,
  type ExchangeShape,
  ownRoots,
  PAGE,
  rootBytes,
} from "./division.ts";
import { fileBytes, type SharedMemory } from "./shared.ts";
import type { Slice } from "./slices.ts";
import { fitsSumMemory, SumMemory, type SumSpace } from "./sum_memory.ts";
import { finish, type SubtreePart, type TreeNode } from "./tree.ts";

/** Elements that are added at once where there are more than two terms: their sums stay in caches. */
const BLOCK = 2 ** 16;

/** Vectors that another rank fills. */
export interface PeerVectors {
  /** A root of it, as far as it is of an own chunk. */
  root(root: number, chunk: number): Float32Array;
  /** The sum of a chunk of it. */
  sum(chunk: number): Float32Array;
}

/** The vectors of one worker in one attempt. */
export class ExchangeVectors {
  /** The own roots; the first one also receives the sums. */
  readonly roots: readonly Float32Array<ArrayBuffer>[];
  /** By rank; undefined at the own. */
  readonly peers: readonly (PeerVectors | undefined)[];
  readonly #memory: SumMemory;
  readonly #microBatches: number;
  /** Sums of a block below the whole, two for each level of the tree. */
  readonly #spare: readonly Float32Array<ArrayBuffer>[];

  /** @throws {RangeError} when the system maps no shared memory. */
  constructor(shape: ExchangeShape, division: Division, shared: SharedMemory | undefined) {
    const { rank, ranges, length } = shape;
    const memory = new SumMemory(spaceOf(shape, division, shared));
    this.#memory = memory;
    this.#microBatches = division.microBatches;
    const own = ranges.length > 1 ? ownRoots(division.nodes[rank] ?? []) : 0;
    const vectors = (count: number, size: number) =>
      Array.from({ length: count }, () => memory.allocate(size));
    if (shared?.own?.kind === "mapped") {
      const pages = memory.allocatePages(own * rootBytes(length));
      shared.own.place(pages);
      const { buffer, byteOffset: at } = pages;
      this.roots = Array.from(
        { length: own },
        (_, k) => new Float32Array(buffer, at + k * rootBytes(length), length),
      );
    } else this.roots = vectors(own, length);
    this.#spare = vectors(spares(division), Math.min(BLOCK, division.largest));
    this.peers = ranges.map((_, peer) => {
      if (peer === rank) return undefined;
      const region = shared?.peers[peer];
      if (region?.kind === "mapped") return mapped(region, { shape, division, memory, peer });
      const [result] = this.roots;
      const { nodes, chunks, largest, window } = division;
      const rings = (nodes[peer] ?? []).map(() => vectors(window, largest));
      return {
        root: (root, chunk) => partOf(rings[root]?.[chunk % window], sizeOf(chunks[rank]?.[chunk])),
        sum: (chunk) => partOf(result, chunks[peer]?.[chunk]),
      };
    });
  }

  /** Writes the sum of all roots of an own chunk to its place in the first own root. */
  sum(chunk: Slice, parts: readonly SubtreePart[]): Float32Array {
    const sum = partOf(this.roots[0], chunk);
    const size = sum.length;
    // With two terms the only sum is that of the whole.
    const block = parts.length > 2 ? BLOCK : size;
    for (let start = 0; start < size; start += block) {
      const at = { start, end: Math.min(size, start + block) };
      const spare = ({ level, index }: TreeNode) =>
        partOf(this.#spare[2 * level + index % 2], { start: 0, end: at.end - start });
      const terms = parts.map(({ node, data }) => ({ node, data: partOf(data, at) }));
      finish(terms, this.#microBatches, partOf(sum, at), { add: this.#memory.add, spare });
    }
    return sum;
  }
}

/** Whether a worker can map its own memory and that of all others: 4 GiB in all. */
export function canMap(shape: ExchangeShape): boolean {
  return fitsSumMemory(spaceOf(shape, divide(shape), "mapped"));
}

/** Bytes of its own memory that a worker needs to exchange, that of others left out. */
export function heldBytes(shape: ExchangeShape): number {
  const division = divide(shape);
  const isMapped = shape.way === "mmap";
  const { vectors, pages } = spaceOf(shape, division, isMapped ? "mapped" : undefined);
  const region = shape.way === "file" ? fileBytes(shape) : 0;
  const own = isMapped ? pages.slice(0, 1) : [region];
  return [...vectors.map((length) => 4 * length), ...own].reduce((sum, bytes) => sum + bytes, 0);
}

/** Spare vectors: two for each level below the top of the tree, which is the sum itself. */
function spares({ microBatches, nodes }: Division): number {
  return nodes.length === 1 ? 0 : 2 * Math.ceil(Math.log2(microBatches));
}

/** What the vectors of a worker take; "mapped": where all memory is mapped. */
function spaceOf(
  shape: ExchangeShape,
  division: Division,
  shared: SharedMemory | "mapped" | undefined,
): SumSpace {
  const { rank, ranges, length } = shape;
  const { nodes, largest, window } = division;
  if (ranges.length === 1) return { vectors: [], pages: [] };
  const others = ranges.flatMap((_, peer) => peer === rank ? [] : [peer]);
  const isMapped = (peer: number) =>
    shared === "mapped" || (peer === rank ? shared?.own : shared?.peers[peer])?.kind === "mapped";
  const own = ownRoots(nodes[rank] ?? []);
  const rings = others.filter((peer) => !isMapped(peer)).flatMap((peer) => nodes[peer] ?? []);
  const whole = isMapped(rank)
    ? { vectors: [], pages: [own * rootBytes(length)] }
    : { vectors: new Array<number>(own).fill(length), pages: [] };
  return {
    vectors: [
      ...whole.vectors,
      ...new Array<number>(spares(division)).fill(Math.min(BLOCK, largest)),
      ...new Array<number>(window * rings.length).fill(largest),
    ],
    pages: [
      ...whole.pages,
      ...others.filter(isMapped).flatMap((peer) =>
        windowsOf(shape, division, peer).map(({ bytes }) => bytes)
      ),
    ],
  };
}

/** Pages of another rank's region that a worker sees. */
interface PageWindow {
  /** A root of the other, or "sum": its sums, which lie in its first root. */
  readonly of: number | "sum";
  readonly slice: Slice;
  /** First byte in the region, at a page. */
  readonly from: number;
  /** Bytes from there to the slice. */
  readonly before: number;
  /** Bytes to the end of the slice. */
  readonly bytes: number;
}

function windowsOf(
  { rank, length }: ExchangeShape,
  { slices, nodes }: Division,
  peer: number,
): PageWindow[] {
  const windowOf = (of: number | "sum", slice: Slice): PageWindow[] => {
    if (slice.end === slice.start) return [];
    const root = (of === "sum" ? 0 : of) * rootBytes(length);
    const [start, end] = [root + 4 * slice.start, root + 4 * slice.end];
    const from = Math.floor(start / PAGE) * PAGE;
    return [{ of, slice, from, before: start - from, bytes: end - from }];
  };
  return [
    ...(nodes[peer] ?? []).flatMap((_, root) =>
      (slices[rank] ?? []).flatMap((slice) => windowOf(root, slice))
    ),
    ...(slices[peer] ?? []).flatMap((slice) => windowOf("sum", slice)),
  ];
}

/** The vectors of a rank whose region is mapped. */
function mapped(
  region: PeerMapping,
  { shape, division, memory, peer }: {
    shape: ExchangeShape;
    division: Division;
    memory: SumMemory;
    peer: number;
  },
): PeerVectors {
  const { chunks, slices } = division;
  /** Slices by what they are of, each with its elements. */
  const seen = windowsOf(shape, division, peer).map(({ of, slice, from, before, bytes }) => {
    const range = memory.allocatePages(bytes);
    region.place({ range, from });
    const at = range.byteOffset + before;
    return { of, slice, data: new Float32Array(range.buffer, at, slice.end - slice.start) };
  });
  const find = (of: number | "sum", rank: number, number: number) => {
    const chunk = chunks[rank]?.[number];
    const slice = slices[rank]?.[chunk?.piece ?? -1];
    const whole = seen.find((each) => each.of === of && each.slice === slice);
    if (whole === undefined || chunk === undefined) throw new RangeError("No such chunk is mapped");
    const { start } = whole.slice;
    return whole.data.subarray(chunk.start - start, chunk.end - start);
  };
  return {
    root: (root, chunk) => find(root, shape.rank, chunk),
    sum: (chunk) => find("sum", peer, chunk),
  };
}

function sizeOf(slice: Slice | undefined): Slice | undefined {
  return slice && { start: 0, end: slice.end - slice.start };
}

function partOf(data: Float32Array | undefined, slice: Slice | undefined): Float32Array {
  if (data === undefined || slice === undefined) throw new RangeError("No such chunk");
  return data.subarray(slice.start, slice.end);
}
