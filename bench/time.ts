/**
 * How long something takes that is queued again and again and waited for once. It knows no op and
 * no device. Each round is long enough to drown its ends; the median of rounds is taken.
 */

/** How much is measured. */
export interface Budget {
  readonly rounds: number;
  /** Seconds of work in a round, at least. */
  readonly roundSeconds: number;
}

/** What committed results are made with. */
export const FULL: Budget = { rounds: 5, roundSeconds: 0.1 };

/** Repetitions in a round, at most: a queue must not grow without end. */
const MAX_REPETITIONS = 2048;

/** Something to time: `run` queues it, `wait` resolves when the queue is empty. */
export interface Work {
  readonly run: () => void;
  readonly wait: () => Promise<unknown>;
}

/** The middle of some numbers; of an even count, the upper one of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** Seconds that `work` takes. */
export async function secondsOf(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** Median of the seconds of `rounds` calls, after one to warm up. */
export async function medianSeconds(work: () => unknown, rounds: number): Promise<number> {
  await work();
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) times.push(await secondsOf(work));
  return median(times);
}

/** Measures one round, and gives the seconds of one run in it. */
export type Round = () => Promise<number>;

/** Warms `work` up and finds how often a round must run it. What waiting itself costs is taken off. */
export async function roundOf({ run, wait }: Work, { roundSeconds }: Budget): Promise<Round> {
  run();
  await wait();
  const floor = await medianSeconds(wait, 5);
  let repetitions = 1;
  const total = async () => {
    const seconds = await secondsOf(() => {
      for (let i = 0; i < repetitions; i++) run();
      return wait();
    });
    return Math.max(0, seconds - floor);
  };
  let seconds = await total();
  while (seconds < roundSeconds && repetitions < MAX_REPETITIONS) {
    const needed = Math.ceil(1.2 * repetitions * roundSeconds / Math.max(seconds, 1e-6));
    repetitions = Math.min(MAX_REPETITIONS, 10 * repetitions, Math.max(needed, repetitions + 1));
    seconds = await total();
  }
  return async () => await total() / repetitions;
}

/**
 * Median over `rounds` of each. The rounds take turns, so that a machine that is busy for a while
 * is so for all of them, and their ratios stand.
 */
export async function medians(works: readonly Round[], rounds: number): Promise<number[]> {
  const times = works.map((): number[] => []);
  for (let i = 0; i < rounds; i++) {
    for (const [k, round] of works.entries()) times[k]?.push(await round());
  }
  return times.map(median);
}
