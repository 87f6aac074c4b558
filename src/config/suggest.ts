/** The known key that an unknown one most likely meant. Knows spelling, not schemas. */
import { distance as editDistance } from "fastest-levenshtein/esm/mod.js";
import { fromElsewhere } from "./elsewhere.ts";
import { firstName, todaysName } from "./renamed.ts";

/** Edits, as a share of a name's length, beyond which two names have nothing to do with each other. */
const NEAR = 0.4;

/**
 * What to do instead of an unknown config key, as the end of a sentence: which key of `known` is
 * meant, what there is in place of a key that other trainers have, or where all keys are listed.
 */
export function hintFor(given: string, known: readonly string[]): string {
  const other = fromElsewhere(given);
  const key = (other !== undefined && "key" in other ? other.key : undefined) ??
    (other === undefined ? nearestKey(given, known) : undefined);
  if (key !== undefined) return `did you mean "${key}"?`;
  return other !== undefined && "instead" in other
    ? other.instead
    : "deno task train --help lists the keys";
}

/**
 * The one of `known` dotted paths that is near `given`: a key of the same section that is a longer
 * or shorter form of it, else one with the same last part, else the nearest by edit distance, where
 * a last part counts as a name of its own (`lrr` finds `optim.lr`). The first name of a renamed key
 * counts as a name of it. Undefined where none is near.
 */
export function nearestKey(given: string, known: readonly string[]): string | undefined {
  const names = Array.from(new Set(known.flatMap((path) => [path, firstName(path)])));
  const found = nearestName(given, names);
  return found === undefined ? undefined : todaysName(found);
}

function nearestName(given: string, known: readonly string[]): string | undefined {
  const last = lastPart(given);
  const section = given.slice(0, given.length - last.length);
  const form = known.find((path) =>
    section !== "" && path.startsWith(section) && areForms(path.slice(section.length), last)
  );
  if (form !== undefined) return form;
  const namesakes = known.filter((path) => lastPart(path) === last);
  if (namesakes.length > 0) return nearest(given, namesakes, { within: Infinity });
  // In the same section only the last part can be wrong: the section would make all keys similar.
  const inside = known.filter((path) => section !== "" && sectionOf(path) === section);
  return nearest(last, inside, { of: lastPart }) ??
    nearest(given, known.filter((path) => !inside.includes(path))) ??
    nearest(last, known, { of: lastPart });
}

/** The nearest to `name`, by the part of each that `of` gives; undefined where none is near. */
function nearest(
  name: string,
  known: readonly string[],
  { of = (path) => path, within = Math.max(1, Math.floor(NEAR * name.length)) }: {
    readonly of?: (path: string) => string;
    readonly within?: number;
  } = {},
): string | undefined {
  let best: string | undefined;
  let least = within;
  for (const path of known) {
    const distance = editDistance(name, of(path));
    if (distance > least || (distance === least && best !== undefined)) continue;
    best = path;
    least = distance;
  }
  // Of a name as short as the edits nothing would be left.
  return name.length > 1 || within === Infinity ? best : undefined;
}

function areForms(a: string, b: string): boolean {
  return b !== "" && (a.startsWith(b) || b.startsWith(a));
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}

function sectionOf(path: string): string {
  return path.slice(0, path.lastIndexOf(".") + 1);
}
