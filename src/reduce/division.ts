/**
 * How an exchange divides the flat gradient: into pieces that leave one after another, each piece
 * among the ranks, and each rank's slices into chunks. Pure; equal on all workers.
 */
import { alignUp } from "../base/shape.ts";
import { maxOf } from "../base/extremes.ts";
import type { MicroBatchRange } from "./assign.ts";
import type { ExchangeWay } from "./schema.ts";
import { cutSlice, type Slice, sliceOf } from "./slices.ts";
import { cover, type TreeNode } from "./tree.ts";

/**
 * Elements of a chunk. What is copied is 1 MiB, small beside caches and large beside the cost of a
 * frame; what is mapped is not copied, so 8 MiB, for fewer frames.
 */
const CHUNKS = { sockets: 2 ** 18, file: 2 ** 18, mmap: 2 ** 21 } as const;

/** Elements of a chunk, where payloads travel in a way. */
export function chunkOf(way: ExchangeWay): number {
  return CHUNKS[way];
}

/** Chunks of a rank whose roots may be under way. */
export const WINDOW = 4;

/** What an exchange is about. */
export interface ExchangeShape {
  readonly rank: number;
  /** Micro-batches by rank, all of [0, S) together; its length is the world size. */
  readonly ranges: readonly MicroBatchRange[];
  /** Elements of the flat gradient. */
  readonly length: number;
  /**
   * Intervals that together are [0, length), in the order in which the gradient is there; default:
   * one. The same on all workers.
   */
  readonly pieces?: readonly Slice[] | undefined;
  /** How payloads should travel, the same on all workers; default: by sockets. */
  readonly way?: ExchangeWay | undefined;
  /** Elements of a chunk, the same on all workers; default: by the way. */
  readonly chunk?: number | undefined;
}

/** A chunk, and the piece that it is part of. */
export interface Chunk extends Slice {
  readonly piece: number;
}

/** The parts of an exchange by rank. */
export interface Division {
  /** Chunks that a rank owns, in the order of pieces. */
  readonly chunks: readonly (readonly Chunk[])[];
  /** The slice of each piece that a rank owns; some are empty. */
  readonly slices: readonly (readonly Slice[])[];
  /** Micro-batches of a step. */
  readonly microBatches: number;
  /** The roots that a rank computes. */
  readonly nodes: readonly (readonly TreeNode[])[];
  /** Elements of the largest chunk. */
  readonly largest: number;
  /** Chunks of a window. */
  readonly window: number;
}

/** @throws {RangeError} unless the pieces are [0, length) together. */
export function divide(
  { ranges, length, pieces, way = "sockets", chunk = chunkOf(way) }: ExchangeShape,
): Division {
  const whole = pieces ?? [{ start: 0, end: length }];
  requireTiling(whole, length);
  const world = ranges.length;
  const slices = ranges.map((_, rank) =>
    whole.map(({ start, end }) => {
      const own = sliceOf(end - start, world, rank);
      return { start: start + own.start, end: start + own.end };
    })
  );
  const chunks = slices.map((each) =>
    each.flatMap((slice, piece) => cutSlice(slice, chunk).map((cut) => ({ ...cut, piece })))
  );
  return {
    chunks,
    slices,
    microBatches: ranges.reduce((sum, { count }) => sum + count, 0),
    nodes: ranges.map(({ first, count }) => cover(first, count)),
    largest: maxOf(chunks.flat().map(({ start, end }) => end - start)),
    window: Math.min(WINDOW, maxOf(chunks.map((each) => each.length))),
  };
}

function requireTiling(pieces: readonly Slice[], length: number): void {
  let at = 0;
  for (const { start, end } of pieces.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    if (start !== at || end < start) break;
    at = end;
  }
  const elements = pieces.reduce((sum, { start, end }) => sum + end - start, 0);
  if (at === length && elements === length) return;
  const shown = pieces.map(({ start, end }) => `[${start}, ${end})`).join(", ");
  throw new RangeError(`Cannot divide a gradient: needs pieces of [0, ${length}): got ${shown}`);
}

/** Alignment of what is mapped, in bytes: a page of WebAssembly, and of every kernel. */
export const PAGE = 65536;

/** Bytes from one whole root to the next in a region that is mapped. */
export function rootBytes(length: number): number {
  return alignUp(4 * length, PAGE);
}

/** Whole vectors that a worker keeps: its roots, or one for the sums of its slices. */
export function ownRoots(nodes: readonly TreeNode[]): number {
  return Math.max(1, nodes.length);
}
