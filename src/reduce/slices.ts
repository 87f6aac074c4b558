/** Which worker owns which part of the flat gradient while it is summed. Pure. */
import { ceilDiv } from "../base/shape.ts";

/** Elements [start, end) of a flat vector. */
export interface Slice {
  readonly start: number;
  readonly end: number;
}

/** Slices begin at multiples of this many f32 elements: 64 bytes, a cache line. */
const STEP = 16;

/**
 * The slice of rank `rank` in a vector of `n` elements. The slices of all ranks cover [0, n) without
 * overlap, and their sizes differ by at most one step; short vectors leave some empty.
 */
export function sliceOf(n: number, world: number, rank: number): Slice {
  const steps = ceilDiv(n, STEP);
  const boundary = (r: number) => Math.min(n, Math.floor(r * steps / world) * STEP);
  return { start: boundary(rank), end: boundary(rank + 1) };
}
