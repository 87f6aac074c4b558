/** The sliding window of a decoder, and the chunks in which tokens are fed. Pure. */

/** A window after more tokens. */
export interface SlideResult {
  /** Its tokens. */
  readonly length: number;
  /** How often it slid. */
  readonly slides: number;
}

/** Tokens kept when a full window of `context` slides: three quarters. */
export function keptTokens(context: number): number {
  return Math.min(context - 1, Math.max(1, Math.floor(3 * context / 4)));
}

/** A window of `length` tokens after `count` more, each of which slides a full window. */
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

/** Chunk sizes for which a decoder has plans, largest first. */
export const CHUNK_SIZES = [64, 8, 1] as const;

/** Largest chunk of a decoder with `context`. */
export function largestChunk(context: number): number {
  return CHUNK_SIZES.find((n) => n <= context) ?? 1;
}

/** Splits `count` tokens into chunks, largest first. */
export function cutIntoChunks(count: number, context: number): number[] {
  const cut: number[] = [];
  for (let left = count; left > 0;) {
    const next = CHUNK_SIZES.find((n) => n <= Math.min(left, context)) ?? 1;
    cut.push(next);
    left -= next;
  }
  return cut;
}
