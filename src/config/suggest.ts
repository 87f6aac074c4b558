/** The known key that a misspelt one most likely meant. Knows spelling, not schemas. */
// @ts-types="./closest_string.d.ts"
import { closestString } from "@std/text/closest-string";

/**
 * The nearest of `known` dotted paths (at least one) to `given`: a key of the same section that is
 * a longer or shorter form of it, else one with the same last part, else the nearest by edit
 * distance, where a last part counts as a name of its own (`lrr` finds `optim.lr`).
 */
export function nearestKey(given: string, known: readonly string[]): string {
  const last = lastPart(given);
  const section = given.slice(0, -last.length);
  const form = known.find((path) =>
    section !== "" && path.startsWith(section) && areForms(path.slice(section.length), last)
  );
  if (form !== undefined) return form;
  const namesakes = known.filter((path) => lastPart(path) === last);
  if (namesakes.length > 0) return closestString(given, namesakes);
  const byName = new Map(known.map((path) => [path, path]));
  for (const path of known) {
    if (!byName.has(lastPart(path))) byName.set(lastPart(path), path);
  }
  const name = closestString(given, Array.from(byName.keys()));
  return byName.get(name) ?? name;
}

function areForms(a: string, b: string): boolean {
  return a.startsWith(b) || b.startsWith(a);
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}
