/** Expands an axis to its values. Pure: random values follow from a seed. */
import { fold, foldName, rootKey, threefry, unit } from "../base/random.ts";
import { keys, sections } from "../config/keys.ts";
import { isPlain } from "../config/overrides.ts";
import { firstName } from "../config/renamed.ts";
import type { Axis } from "./schema.ts";

/** A point of an axis: config keys and values. */
export type AxisPoint = Readonly<Record<string, unknown>>;

/** An interval and its scale. */
interface Scale {
  readonly ends: readonly [number, number];
  readonly log: boolean;
  readonly round?: number | undefined;
}

/**
 * The points of an axis in order, without duplicates. The values of an axis whose name is no config
 * key are objects of keys. @throws {RangeError} for invalid bounds.
 */
export function pointsOf(name: string, axis: Axis): AxisPoint[] {
  const points = Array.isArray(axis)
    ? listed(name, axis)
    : "draws" in axis
    ? drawn(name, axis)
    : numbers(name, axis).map((value) => ({ [name]: value }));
  const seen = new Set<string>();
  return points.filter((point) => {
    const text = JSON.stringify(point);
    return !seen.has(text) && seen.add(text);
  });
}

function listed(name: string, values: readonly unknown[]): AxisPoint[] {
  const all = keys();
  const isKey = all.some(({ path }) => path === name) || sections(all).includes(name);
  return values.map((value) => !isKey && isPlain(value) ? value : { [name]: value });
}

function drawn(
  name: string,
  { draws, count, seed }: Extract<Axis, { draws: unknown }>,
): AxisPoint[] {
  return Array.from({ length: count }, (_, i) =>
    Object.fromEntries(
      Object.entries(draws).map(([key, { in: ends, log, round }]) => [
        key,
        between({ ends, log, round }, uniform(`${name}.${firstName(key)}`, { seed, i })),
      ]),
    ));
}

function numbers(
  name: string,
  axis: Exclude<Axis, readonly unknown[] | { draws: unknown }>,
): number[] {
  const { count, round } = axis;
  const log = "random" in axis ? axis.log : "log" in axis;
  const ends = "random" in axis ? axis.random : "log" in axis ? axis.log : axis.range;
  const at = "random" in axis
    ? (i: number) => uniform(firstName(name), { seed: axis.seed, i })
    : (i: number) => count === 1 ? 0 : i / (count - 1);
  return Array.from({ length: count }, (_, i) => between({ ends, log, round }, at(i)));
}

/** A number in [0, 1) for draw i, independent of the number of draws. */
function uniform(name: string, { seed, i }: { seed: number; i: number }): number {
  return unit(threefry(fold(foldName(rootKey(seed), name), i), 0, 0)[0]);
}

/** Interpolates at `t` in [0, 1], rounded to six digits so that files show the exact value. */
function between({ ends: [a, b], log, round }: Scale, t: number): number {
  if (!(a <= b) || (log && a <= 0)) {
    throw new RangeError(`need [least, most]${log ? " above 0" : ""}: [${a}, ${b}]`);
  }
  if (t === 0 && round === undefined) return a;
  if (t === 1 && round === undefined) return b;
  const value = log ? a * (b / a) ** t : a + (b - a) * t;
  return round === undefined ? Number(value.toPrecision(6)) : multipleOf(round, value);
}

/** The multiple of `round` nearest to a value. */
export function multipleOf(round: number, value: number): number {
  return Number((Math.round(value / round) * round).toPrecision(12));
}
