/** The known key that a misspelt one most likely meant. Knows spelling, not schemas. */
// @ts-types="./closest_string.d.ts"
import { closestString } from "@std/text/closest-string";

/**
 * The nearest of `known` dotted paths (at least one) to `given`, by edit distance; the last part
 * of a path counts as a name of it too, so that `lrr` finds `optim.lr`.
 */
export function nearestKey(given: string, known: readonly string[]): string {
  const byName = new Map(known.map((path) => [path, path]));
  for (const path of known) {
    const last = path.slice(path.lastIndexOf(".") + 1);
    if (!byName.has(last)) byName.set(last, path);
  }
  const name = closestString(given, Array.from(byName.keys()));
  return byName.get(name) ?? name;
}
