/**
 * Checks whether a sweep may continue with a changed file: only added trials are compatible. Pure.
 */
import { canonical } from "../base/hash.ts";
import { show } from "../config/faults.ts";
import { isPlain } from "../config/overrides.ts";
import { todaysName, withTodaysNames } from "../config/renamed.ts";
import { UserError } from "../base/user_error.ts";

/** The sweep as stored in its folder. */
export interface Stored {
  readonly sweep: unknown;
  /** Keys of its trials. */
  readonly trials: readonly string[];
}

/**
 * Number of new trials. @throws {UserError} `incompatible` when stored trials are missing from the
 * file.
 */
export function added(out: string, before: Stored | undefined, now: Stored): number {
  const known = new Set(before?.trials);
  const kept = now.trials.filter((key) => known.has(key)).length;
  if (before === undefined || kept === known.size) return now.trials.length - kept;
  const changed = differingKeys(withTodaysKeys(before.sweep), now.sweep, "");
  throw new UserError(
    "incompatible",
    `Cannot sweep in ${out}: it holds another sweep, ${known.size - kept} of whose ` +
      `${known.size} trials this file does not have (folder against file): ` +
      (changed.join("; ") || "its data or its program differ"),
  );
}

/** All differences of two plain values, as `axes.seed: [1] against [2]`. */
export function differingKeys(a: unknown, b: unknown, path: string): string[] {
  if (canonical(a ?? null) === canonical(b ?? null)) return [];
  if (!isPlain(a) || !isPlain(b)) return [`${path || "sweep"}: ${show(a)} against ${show(b)}`];
  const names = Array.from(new Set([...Object.keys(a), ...Object.keys(b)]));
  return names.flatMap((name) =>
    differingKeys(a[name], b[name], path === "" ? name : `${path}.${name}`)
  );
}

/** A stored sweep whose base, axes and rules have today's names of keys. */
function withTodaysKeys(sweep: unknown): unknown {
  if (!isPlain(sweep)) return sweep;
  const { base, axes, derived } = sweep;
  return {
    ...sweep,
    base: withTodaysNames(base),
    axes: renamedKeys(axes),
    derived: renamedKeys(derived),
  };
}

/** A value in which each dotted key, and each `of` that names one, has today's name. */
function renamedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(renamedKeys);
  if (!isPlain(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      todaysName(name),
      name === "of" && typeof inner === "string" ? todaysName(inner) : renamedKeys(inner),
    ]),
  );
}
