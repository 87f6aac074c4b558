/**
 * The exchange of many workers by simulation: the reducers of training with their frames and chunks,
 * in one process, on channels and a clock that charge what a machine was measured to need. Vectors are
 * smaller than those they stand for by one factor, and so are chunks, so the number of frames is real.
 */
import { AllReducer } from "../../src/reduce/all_reduce.ts";
import { assign } from "../../src/reduce/assign.ts";
import { chunkOf } from "../../src/reduce/division.ts";
import type { ExchangeWay } from "../../src/reduce/schema.ts";
import { sliceOf } from "../../src/reduce/slices.ts";
import { cover } from "../../src/reduce/tree.ts";
import { simulatedChannels } from "./channels.ts";
import { Clock } from "./clock.ts";
import { contention, type Figures, XEON } from "./machine.ts";

/** A step to simulate. */
export interface SimulatedStep {
  readonly workers: number;
  /** Elements of the gradient. */
  readonly elements: number;
  readonly way: ExchangeWay;
  /** Seconds that each worker's device computes. */
  readonly compute: number;
  /** Pieces in which the gradient leaves; 1: whole, at the end. */
  readonly pieces: number;
  readonly figures?: Figures;
  /** Most elements of the vectors that are really moved. */
  readonly most?: number;
}

/** What a step took. */
export interface SimulatedTimes {
  /** Seconds until every worker has the sum on its device. */
  readonly step: number;
  /** Seconds beyond the computation. */
  readonly visible: number;
  /** The sum of rank 0, as far as it is really computed. */
  readonly sum: Float32Array;
}

/** The gradient of a rank: small whole numbers, whose sums are exact. */
export function simulatedGradient(rank: number, length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => (7 * i + 3 * rank) % 32 - 16);
}

/** Simulates a step. @throws {RangeError} unless the number of workers is a power of two. */
export async function simulateStep(
  { workers, elements, way, compute, pieces: count, figures = XEON, most = 2 ** 18 }: SimulatedStep,
): Promise<SimulatedTimes> {
  const scale = 2 ** Math.max(0, Math.ceil(Math.log2(elements / most)));
  const length = Math.round(elements / scale);
  const clock = new Clock(workers);
  const slower = contention(figures, workers);
  const adding = (rank: number, size: number) =>
    clock.occupy(rank, size * scale * (workers - 1) / figures.sums * slower);
  const ends = simulatedChannels(workers, { clock, figures, way, scale, slower }, adding);
  const pieces = Array.from({ length: count }, (_, piece) => sliceOf(length, count, piece))
    .reverse();
  const ranges = assign(workers, workers);
  const chunk = Math.max(1, Math.round(chunkOf(way) / scale));
  const sum = new Float32Array(length);
  const steps = ends.map(async (peers, rank) => {
    const reducer = new AllReducer({ rank, peers, ranges, length, pieces, chunk });
    const [node] = cover(rank, 1);
    if (node === undefined) return;
    const data = reducer.rootBuffer(0) ?? new Float32Array(length);
    data.set(simulatedGradient(rank, length));
    const arrived = pieces.map(async ({ start, end }, piece) => {
      await clock.until(compute * (piece + 1) / count);
      await clock.occupy(rank, 4 * (end - start) * scale * figures.read);
    });
    const writes: Promise<void>[] = [];
    await reducer.reduce(0, [{ node, data }], {
      arrived,
      take(at, part) {
        if (rank === 0) sum.set(part, at);
        writes.push(clock.occupy(rank, 4 * part.length * scale * figures.write));
      },
    });
    await Promise.all(writes);
  });
  const all = Promise.all(steps);
  const end = await clock.run();
  await all;
  return { step: end, visible: end - compute, sum };
}
