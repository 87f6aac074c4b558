/** Runs many rounds of one kind; counts outcomes and memory growth. */

/** Result of a campaign. */
export interface Tally {
  /** Rounds by outcome. */
  readonly counts: ReadonlyMap<string, number>;
  /** Maximum growth of resident memory in bytes after warm-up. */
  readonly growth: number;
  readonly seconds: number;
}

/**
 * Limit of resident memory growth in bytes. The task `fuzz` keeps the heap small, so that growth is
 * retained memory, not uncollected garbage.
 */
export const GROWTH_LIMIT = 50 * 2 ** 20;
/** Warm-up rounds with another seed, so that code is compiled and heaps are grown. */
const WARM = 20_000;
/** Rounds between memory samples. */
const EVERY = 500;

/** Runs `rounds` rounds of a seed. Throws what a round throws. */
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
