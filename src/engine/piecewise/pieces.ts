/**
 * In which pieces a gradient can leave while the rest of it is still computed. The layout of a vector
 * is that of checkpoints, so a piece is an interval of it, and pieces leave in the order in which the
 * backward pass finishes them. Pure: the same plan has the same pieces on every worker.
 */
import { maxOf } from "../../base/extremes.ts";
import { sizeOf } from "../../base/shape.ts";
import { ALIGN, bucketSlot, type Layout, vectorBuckets, vectorLength } from "../../plan/layout.ts";
import type { Plan } from "../../plan/types.ts";
import type { Slice } from "../../reduce/slices.ts";

/** An interval of the flat gradient, and the calls after which it does not change any more. */
export interface Piece extends Slice {
  /** Number of calls of the plan that must have run. */
  readonly after: number;
}

/** Gradients of fewer elements leave whole: 4 MB take a millisecond. */
export const LEAST_SPLIT = 2 ** 20;
/** Pieces that are aimed at: the last one cannot be hidden, and each costs a submit and its frames. */
const PIECES = 8;
/** Elements of the smallest piece. */
const LEAST = 2 ** 16;

/** Sizes below which nothing is cut; tests choose smaller ones. */
export interface PieceSizes {
  readonly split?: number;
  readonly least?: number;
}

/** The pieces of a gradient plan's result, in the order in which they are finished. */
export function gradientPieces(
  plan: Plan,
  layout: Layout,
  { split = LEAST_SPLIT, least = LEAST }: PieceSizes = {},
): Piece[] {
  const length = vectorLength(layout, "grad");
  if (length < split) return [{ start: 0, end: length, after: plan.calls.length }];
  const after = finished(plan, layout, length);
  const runs = joined(runsOf(classes(after)), Math.ceil(least / ALIGN));
  return runs.map(({ start, end }) => ({
    start: start * ALIGN,
    end: end * ALIGN,
    after: maxOf(after.subarray(start, end)),
  })).toSorted((a, b) => a.after - b.after || a.start - b.start);
}

/** For each block of a vector, the number of calls up to the last one that writes to it. */
function finished(plan: Plan, layout: Layout, length: number): Int32Array {
  const blocks = new Int32Array(length / ALIGN);
  const starts = new Map<string, number>();
  let start = 0;
  for (const { bucket, length: size } of vectorBuckets(layout, "grad")) {
    starts.set(bucketSlot("grad", bucket), start);
    start += size;
  }
  plan.calls.forEach(({ outputs }, call) => {
    for (const { slot, offset, shape } of outputs) {
      const from = starts.get(plan.slots[slot]?.name ?? "");
      if (from === undefined) continue;
      const [first, last] = [from + offset, from + offset + sizeOf(shape) - 1];
      blocks.fill(call + 1, Math.floor(first / ALIGN), Math.floor(last / ALIGN) + 1);
    }
  });
  return blocks;
}

/** For each block its class, 0 to PIECES - 1: blocks of one class are finished about together. */
function classes(after: Int32Array): Int32Array {
  const counts = new Map<number, number>();
  for (const calls of after) counts.set(calls, (counts.get(calls) ?? 0) + 1);
  const classOf = new Map<number, number>();
  let before = 0;
  for (const [calls, count] of Array.from(counts).sort(([a], [b]) => a - b)) {
    // By the middle of its blocks, so that classes have about the same size.
    const middle = before + count / 2;
    classOf.set(calls, Math.min(PIECES - 1, Math.floor(PIECES * middle / after.length)));
    before += count;
  }
  return after.map((calls) => classOf.get(calls) ?? 0);
}

/** Consecutive blocks of one class. */
interface Run extends Slice {
  readonly of: number;
}

function runsOf(classes: Int32Array): Run[] {
  const runs: Run[] = [];
  let start = 0;
  for (let end = 1; end <= classes.length; end++) {
    if (end < classes.length && classes[end] === classes[start]) continue;
    runs.push({ start, end, of: classes[start] as number });
    start = end;
  }
  return runs;
}

/** Joins runs below `least` blocks with a neighbour, each time the smallest one. */
function joined(runs: readonly Run[], least: number): readonly Run[] {
  const size = ({ start, end }: Run) => end - start;
  let all = runs;
  while (all.length > 1) {
    const smallest = all.reduce((a, b) => size(b) < size(a) ? b : a);
    if (size(smallest) >= least) break;
    const at = all.indexOf(smallest);
    const [left, right] = [all[at - 1], all[at + 1]];
    // Whatever is finished earlier waits for the other: of the neighbours, that which delays less.
    const delay = (other: Run | undefined) =>
      other === undefined ? Infinity : other.of < smallest.of ? size(other) : 0;
    const other = delay(left) < delay(right) ? left : right ?? left;
    if (other === undefined) break;
    const join = {
      start: Math.min(smallest.start, other.start),
      end: Math.max(smallest.end, other.end),
      of: Math.max(smallest.of, other.of),
    };
    all = merged(all.flatMap((run) => run === smallest ? [] : run === other ? [join] : [run]));
  }
  return all;
}

/** Neighbours of one class as one run. */
function merged(runs: readonly Run[]): Run[] {
  return runs.reduce<Run[]>((done, run) => {
    const last = done.at(-1);
    if (last?.of !== run.of) return [...done, run];
    return [...done.slice(0, -1), { ...last, end: run.end }];
  }, []);
}
