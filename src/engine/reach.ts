/**
 * Gradient norms by distance in a recurrent network, per direction: which losses are
 * differentiated, and the aggregation over windows.
 */
import { IGNORE } from "../base/ignore.ts";
import type { Task, TokenBatch } from "../data/source.ts";
import type { Program } from "../device/types.ts";
import type { Direction, Reach } from "../report/events.ts";
import type { BatchUpload } from "./batch_upload.ts";
import { REACH } from "./plans.ts";

/** Most batches searched for one in which every window has a target. */
const MAX_SEARCHED = 1024;

/** The first and the last position of a window that have a target. */
export interface ReachSpan {
  readonly first: number;
  readonly last: number;
}

/**
 * The span of each of the B windows; undefined without a target. For sequence classification, the
 * span is the whole window.
 */
export function spansOf(
  { tensors: { tokens, targets } }: Pick<TokenBatch, "tensors">,
  { time, targetKind }: Pick<Task, "time" | "targetKind">,
): (ReachSpan | undefined)[] {
  return Array.from({ length: tokens.length / time }, (_, b) => {
    if (targetKind === "sequence_class") {
      return targets[b] === IGNORE ? undefined : { first: 0, last: time - 1 };
    }
    const own = targets.subarray(b * time, (b + 1) * time);
    const first = own.findIndex((target) => target !== IGNORE);
    return first < 0 ? undefined : { first, last: own.findLastIndex((t) => t !== IGNORE) };
  });
}

/**
 * The first batch with the most windows that have a target: lanes that are still warming up their
 * states have none.
 */
export function fullest(
  batches: Iterable<TokenBatch>,
  task: Pick<Task, "time" | "targetKind">,
): TokenBatch | undefined {
  let best: TokenBatch | undefined;
  let most = 0;
  let searched = 0;
  for (const batch of batches) {
    const spans = spansOf(batch, task);
    const count = spans.filter((span) => span !== undefined).length;
    if (count > most) [best, most] = [batch, count];
    if (most === spans.length || ++searched === MAX_SEARCHED) break;
  }
  return best;
}

/**
 * Norms over a batch, from zero states, of the gradient of one loss per window with respect to the
 * last layer's h_t. Forward: the loss of the last target, with t going back from there. Backward:
 * the loss of the first target, with t going forward to the last.
 */
export async function measureReach(
  { upload, program }: { upload: BatchUpload; program: Program },
  batch: TokenBatch,
  { time, targetKind, directions }: Pick<Task, "time" | "targetKind"> & {
    readonly directions: readonly Direction[];
  },
): Promise<Reach[]> {
  const spans = spansOf(batch, { time, targetKind });
  const found: Reach[] = [];
  for (const direction of directions) {
    const isSelected = (i: number): boolean => {
      const span = spans[Math.floor(i / time)];
      return (direction === "forward" ? span?.last : span?.first) === i % time;
    };
    const targets = targetKind === "sequence_class"
      ? batch.tensors.targets
      : batch.tensors.targets.map((target, i) => isSelected(i) ? target : IGNORE);
    const tensors = { ...batch.tensors, targets };
    upload.write({ ...batch, tensors, fresh: true }, (name) => name);
    program.run();
    const length = spans.length * (time + 1);
    const norms = await upload.memory.read([{ slot: REACH[direction], offset: 0, length }]);
    found.push({ direction, ...normsOf(norms, { time, spans, direction }) });
  }
  return found;
}

/**
 * Norms by distance, and how many windows have a step at that distance, from the norms [B, T + 1]
 * of each window's states between steps, in text order.
 */
export function normsOf(
  norms: Float32Array,
  { time, spans, direction }: {
    readonly time: number;
    readonly spans: readonly (ReachSpan | undefined)[];
    readonly direction: Direction;
  },
): Pick<Reach, "norms" | "windows"> {
  const squares = new Array<number>(time).fill(0);
  const windows = new Array<number>(time).fill(0);
  for (const [b, span] of spans.entries()) {
    if (span === undefined) continue;
    const steps = direction === "forward" ? span.last + 1 : span.last - span.first + 1;
    for (let back = 0; back < steps; back++) {
      // The state after position p is in column p + 1 (forward) or p (backward).
      const column = direction === "forward" ? span.last + 1 - back : span.first + back;
      const norm = norms[b * (time + 1) + column] as number;
      squares[back] = (squares[back] as number) + norm * norm;
      windows[back] = (windows[back] as number) + 1;
    }
  }
  return { norms: squares.map((sum) => Math.fround(Math.sqrt(sum))), windows };
}

/** Packs reaches into one array. */
export function packReach(reaches: readonly Reach[]): Float32Array<ArrayBuffer> {
  return Float32Array.from(reaches.flatMap(({ norms, windows }) => [...norms, ...windows]));
}

/** The inverse of {@linkcode packReach}. */
export function unpackReach(row: Float32Array, directions: readonly Direction[]): Reach[] {
  const time = row.length / (2 * directions.length);
  return directions.map((direction, d) => {
    const at = (half: number) =>
      Array.from(row.subarray((2 * d + half) * time, (2 * d + half + 1) * time));
    return { direction, norms: at(0), windows: at(1) };
  });
}
