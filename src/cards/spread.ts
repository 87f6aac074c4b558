/** Distributes cards over concurrent trainings. Pure. */

/**
 * Names of the cards for the workers of one more training: the least used first. More workers than
 * cards share them.
 */
export function spread(
  cards: readonly string[],
  { workers, inUse }: { readonly workers: number; readonly inUse: readonly string[] },
): string[] {
  const counts = new Map(cards.map((name) => [name, 0]));
  const count = (name: string) => counts.get(name) ?? 0;
  for (const name of inUse) counts.set(name, count(name) + 1);
  return Array.from({ length: cards.length === 0 ? 0 : workers }, () => {
    const name = cards.reduce((best, each) => count(each) < count(best) ? each : best);
    counts.set(name, count(name) + 1);
    return name;
  }).sort((a, b) => cards.indexOf(a) - cards.indexOf(b));
}
