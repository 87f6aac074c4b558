/** Suggests the known key that is closest in spelling to an unknown one. */
import { distance as editDistance } from "fastest-levenshtein/esm/mod.js";
import { fromElsewhere } from "./elsewhere.ts";
import { firstName, todaysName } from "./renamed.ts";

/** Maximum edit distance of a suggestion, as a share of the name's length. */
const MAX_EDIT_SHARE = 0.4;

/**
 * The hint for an unknown config key, as the end of a sentence: the key of `known` that was
 * probably meant, the advice for a key of another trainer, or the command that lists all keys.
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
 * The dotted path of `known` that is closest to `given`: a key of the same section of which one is
 * a prefix of the other, else one with the same last part, else the nearest by edit distance of
 * whole paths or of last parts (`lrr` finds `optim.lr`). A renamed key is also found by its first
 * name. Undefined if none is close enough.
 */
export function nearestKey(given: string, known: readonly string[]): string | undefined {
  const names = Array.from(new Set(known.flatMap((path) => [path, firstName(path)])));
  const found = nearestName(given, names);
  return found === undefined ? undefined : todaysName(found);
}

/** As {@linkcode nearestKey}, for any dotted names. */
export function nearestName(given: string, known: readonly string[]): string | undefined {
  const last = lastPart(given);
  const section = given.slice(0, given.length - last.length);
  const form = known.find((path) =>
    section !== "" && path.startsWith(section) && areForms(path.slice(section.length), last)
  );
  if (form !== undefined) return form;
  const namesakes = known.filter((path) => lastPart(path) === last);
  if (namesakes.length > 0) return nearest(given, namesakes, { within: Infinity });
  // Within a section compare last parts only: the common prefix would make all keys similar.
  const inside = known.filter((path) => section !== "" && sectionOf(path) === section);
  return nearest(last, inside, { of: lastPart }) ??
    nearest(given, known.filter((path) => !inside.includes(path))) ??
    nearest(last, known, { of: lastPart });
}

/** The path of `known` whose part `of(path)` is nearest to `name`, at most `within` edits away. */
function nearest(
  name: string,
  known: readonly string[],
  { of = (path) => path, within = Math.max(1, Math.floor(MAX_EDIT_SHARE * name.length)) }: {
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
  // One edit can turn a single letter into any other.
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
