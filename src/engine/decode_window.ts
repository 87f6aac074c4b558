/** Which tokens a decoder remembers, and in which portions it is fed. Pure: no device. */

/** What a window holds after more tokens came. */
export interface SlideResult {
  /** Tokens in it. */
  readonly length: number;
  /** Times that it slid. */
  readonly slides: number;
}

/** Tokens that stay in a full window of `context` when one more comes: three quarters of it. */
export function keptTokens(context: number): number {
  return Math.min(context - 1, Math.max(1, Math.floor(3 * context / 4)));
}

/** A window of `length` tokens after `count` more, each of which slides it when it is full. */
export function slide({ length, count, context }: {
  length: number;
  count: number;
  context: number;
}): SlideResult {
  const total = length + count;
  if (total <= context) return { length: total, slides: 0 };
  const kept = keptTokens(context);
  const room = context - kept;
  const over = total - context - 1;
  return { length: kept + 1 + over % room, slides: 1 + Math.floor(over / room) };
}

/** Portions that a decoder has plans for, largest first. */
export const CHUNK_SIZES = [64, 8, 1] as const;

/** Largest portion of a decoder with `context`. */
export function largestChunk(context: number): number {
  return CHUNK_SIZES.find((n) => n <= context) ?? 1;
}

/** Cuts `count` tokens into portions, the largest first. */
export function cutIntoChunks(count: number, context: number): number[] {
  const cut: number[] = [];
  for (let left = count; left > 0;) {
    const next = CHUNK_SIZES.find((n) => n <= Math.min(left, context)) ?? 1;
    cut.push(next);
    left -= next;
  }
  return cut;
}
