/**
 * How far a gradient reaches in a recurrent network, in each direction that it reads: which losses are
 * asked, and norms from those of single windows.
 */
import { IGNORE } from "../base/ignore.ts";
import type { Batch, Task } from "../data/source.ts";
import type { Program } from "../device/types.ts";
import type { Direction, Reach } from "../report/events.ts";
import type { BatchUpload } from "./batch_upload.ts";
import { REACH } from "./plans.ts";

/** Batches that are looked through for one in which every window is asked. */
const LOOKED_THROUGH = 1024;

/** What of a window is asked: its first and its last position with a target. */
export interface ReachSpan {
  readonly first: number;
  readonly last: number;
}

/**
 * The span of each of the B windows; undefined where nothing is asked. A label of a whole window is
 * asked of all its positions.
 */
export function spansOf(
  { inputs, targets }: Pick<Batch, "inputs" | "targets">,
  { time, targetKind: asked }: Pick<Task, "time" | "targetKind">,
): (ReachSpan | undefined)[] {
  return Array.from({ length: inputs.length / time }, (_, b) => {
    if (asked === "one") return targets[b] === IGNORE ? undefined : { first: 0, last: time - 1 };
    const own = targets.subarray(b * time, (b + 1) * time);
    const first = own.findIndex((target) => target !== IGNORE);
    return first < 0 ? undefined : { first, last: own.findLastIndex((t) => t !== IGNORE) };
  });
}

/**
 * The batch in which most windows are asked, the first of such: lanes that still warm their states are
 * asked nothing in the batches before.
 */
export function fullest(
  batches: Iterable<Batch>,
  task: Pick<Task, "time" | "targetKind">,
): Batch | undefined {
  let best: Batch | undefined;
  let most = 0;
  let looked = 0;
  for (const batch of batches) {
    const spans = spansOf(batch, task);
    const count = spans.filter((span) => span !== undefined).length;
    if (count > most) [best, most] = [batch, count];
    if (most === spans.length || ++looked === LOOKED_THROUGH) break;
  }
  return best;
}

/**
 * Norms over a batch, from states of zero, of the gradient of one loss of each window with respect to
 * the last layer's h_t. Forward it is the loss of the last position asked, and t goes back from there;
 * backward it is the loss of the first, and t goes on to the last: each direction from its latest
 * step to its earlier ones.
 */
export async function measureReach(
  { feed, program }: { feed: BatchUpload; program: Program },
  batch: Batch,
  { time, targetKind: asked, directions }: Pick<Task, "time" | "targetKind"> & {
    readonly directions: readonly Direction[];
  },
): Promise<Reach[]> {
  const spans = spansOf(batch, { time, targetKind: asked });
  const found: Reach[] = [];
  for (const direction of directions) {
    const isAsked = (i: number): boolean => {
      const span = spans[Math.floor(i / time)];
      return (direction === "forward" ? span?.last : span?.first) === i % time;
    };
    const targets = asked === "one"
      ? batch.targets
      : batch.targets.map((target, i) => isAsked(i) ? target : IGNORE);
    feed.upload({ ...batch, targets, fresh: true }, (name) => name);
    program.run();
    const length = spans.length * (time + 1);
    const norms = await feed.memory.read([{ slot: REACH[direction], offset: 0, length }]);
    found.push({ direction, ...normsOf(norms, { time, spans, direction }) });
  }
  return found;
}

/**
 * Norms by distance, and how many windows have a step so far away, from norms [B, T + 1] of the single
 * windows: of the states between steps, in the order of the text.
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
      // Forward, the state after position p stands in column p + 1; backward, in column p.
      const column = direction === "forward" ? span.last + 1 - back : span.first + back;
      const norm = norms[b * (time + 1) + column] as number;
      squares[back] = (squares[back] as number) + norm * norm;
      windows[back] = (windows[back] as number) + 1;
    }
  }
  return { norms: squares.map((sum) => Math.fround(Math.sqrt(sum))), windows };
}

/** Reaches as one row of numbers. */
export function packReach(reaches: readonly Reach[]): Float32Array<ArrayBuffer> {
  return Float32Array.from(reaches.flatMap(({ norms, windows }) => [...norms, ...windows]));
}

/** The same reaches, from such a row. */
export function unpackReach(row: Float32Array, directions: readonly Direction[]): Reach[] {
  const time = row.length / (2 * directions.length);
  return directions.map((direction, d) => {
    const at = (half: number) =>
      Array.from(row.subarray((2 * d + half) * time, (2 * d + half + 1) * time));
    return { direction, norms: at(0), windows: at(1) };
  });
}
