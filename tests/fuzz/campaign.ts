/** Many rounds of one kind: counts their outcomes, and watches the memory of this process. */

/** What a campaign found. */
export interface Tally {
  /** Rounds by outcome. */
  readonly counts: ReadonlyMap<string, number>;
  /** Bytes of resident memory that the process grew by at most, once it was warm. */
  readonly growth: number;
  readonly seconds: number;
}

/**
 * Resident memory may grow by less than this, in bytes. The task `fuzz` keeps the heap small, so that
 * what grows is what is held, and not what nobody has collected yet.
 */
export const GROWTH_LIMIT = 50 * 2 ** 20;
/** Rounds of another seed before memory is looked at: by then code is compiled and heaps stand. */
const WARM = 20_000;
/** Rounds between two looks at the memory. */
const EVERY = 500;

/** Plays rounds 0 to `rounds` of a seed. Throws what a round throws. */
export async function campaign(
  play: (seed: number, round: number) => string | Promise<string>,
  { seed, rounds }: { seed: number; rounds: number },
): Promise<Tally> {
  for (let round = 0; round < Math.min(WARM, rounds); round++) await play(seed ^ 1, round);
  const counts = new Map<string, number>();
  const before = Deno.memoryUsage().rss;
  const start = performance.now();
  let peak = before;
  for (let round = 0; round < rounds; round++) {
    const outcome = await play(seed, round);
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    if (round % EVERY === 0) peak = Math.max(peak, Deno.memoryUsage().rss);
  }
  const seconds = (performance.now() - start) / 1000;
  return { counts, growth: peak - before, seconds };
}

/** A table of outcomes and a line on memory. */
export function showTally(title: string, { counts, growth, seconds }: Tally): string {
  const rounds = [...counts.values()].reduce((a, b) => a + b, 0);
  return [
    `${title}: ${rounds} rounds in ${seconds.toFixed(1)} s, memory grew by ${
      (growth / 2 ** 20).toFixed(1)
    } MiB`,
    ...[...counts].sort().map(([outcome, n]) => `${String(n).padStart(9)}  ${outcome}`),
  ].join("\n");
}
