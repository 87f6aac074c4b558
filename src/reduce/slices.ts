/** Slices of the flat gradient and their owners in the reduce-scatter. Pure. */
import { ceilDiv } from "../base/shape.ts";

/** Elements [start, end) of a flat vector. */
export interface Slice {
  readonly start: number;
  readonly end: number;
}

/** The slice cut into parts of at most `most` elements, in order; none for an empty slice. */
export function cutSlice({ start, end }: Slice, most: number): Slice[] {
  return Array.from({ length: ceilDiv(end - start, most) }, (_, i) => ({
    start: start + i * most,
    end: Math.min(end, start + (i + 1) * most),
  }));
}

/** Alignment of slices in f32 elements: 64 bytes, a cache line. */
export const SLICE_ALIGN = 16;

/**
 * The slice of rank `rank` in a vector of `n` elements. The slices partition [0, n), and their
 * sizes differ by at most `SLICE_ALIGN`; in a short vector some are empty.
 */
export function sliceOf(n: number, world: number, rank: number): Slice {
  const blocks = ceilDiv(n, SLICE_ALIGN);
  const boundary = (r: number) => Math.min(n, Math.floor(r * blocks / world) * SLICE_ALIGN);
  return { start: boundary(rank), end: boundary(rank + 1) };
}
