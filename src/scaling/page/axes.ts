/** Plot axes: padded ranges, round ticks, colours. */
import { maxOf, minOf } from "../../base/extremes.ts";
import type { PlotAxis } from "./svg.ts";

/** A logarithmic axis with ticks at powers of ten, or at 1, 2 and 5 times them if those are few. */
export function logAxis(
  label: string,
  values: readonly number[],
  show: (value: number) => string,
): PlotAxis {
  const room = (maxOf(values) / minOf(values)) ** 0.05;
  const [low, high] = [minOf(values) / room, maxOf(values) * room];
  const first = Math.floor(Math.log10(low));
  const tens = Array.from(
    { length: Math.ceil(Math.log10(high)) - first + 1 },
    (_, i) => 10 ** (first + i),
  );
  const inside = (ticks: readonly number[]) => ticks.filter((t) => t >= low && t <= high);
  const between = inside(tens.flatMap((ten) => [ten, 2 * ten, 5 * ten]));
  const ten = inside(tens);
  // Labels of more than a dozen powers of ten would overlap.
  const every = Math.ceil(ten.length / 12);
  const ticks = ten.length >= 4 || between.length > 9
    ? ten.filter((_, i) => i % every === 0)
    : between;
  return { label, low, high, log: true, ticks, show };
}

/** An axis with about six ticks at multiples of 1, 2 or 5; `log` only changes the scale. */
export function evenAxis(
  label: string,
  values: readonly number[],
  { log = false, room = 0.06 }: { log?: boolean; room?: number } = {},
): PlotAxis {
  const [least, most] = [minOf(values), maxOf(values)];
  const extra = room * (most - least || Math.abs(most) || 1);
  const low = log ? Math.max(least - extra, 0.5 * least) : least - extra;
  const high = most + extra;
  const rough = (high - low) / 6;
  const ten = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((m) => m * ten >= rough) ?? 10) * ten;
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return {
    label,
    low,
    high,
    log,
    ticks: Array.from({ length: count }, (_, i) => (first + i) * step),
    show: (value) => value.toFixed(digits).replace(/^-(0(\.0*)?)$/, "$1"),
  };
}

/** `10¹⁵`, `2·10¹⁵`. */
export function power(value: number): string {
  const exponent = Math.floor(Math.log10(value) + 1e-9);
  const first = Math.round(value / 10 ** exponent);
  const raised = String(exponent).replace(/./g, (c) => RAISED[c] ?? c);
  return `${first === 1 ? "" : `${first}·`}10${raised}`;
}

const RAISED: Readonly<Record<string, string>> = Object.fromEntries(
  [..."-0123456789"].map((c, i) => [c, [..."⁻⁰¹²³⁴⁵⁶⁷⁸⁹"][i] as string]),
);

/** `count` colours from dark to light, after the map "viridis" of Smith and van der Walt (2015). */
export function colours(count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const at = count === 1 ? 0 : i / (count - 1) * (STOPS.length - 1);
    const k = Math.min(Math.floor(at), STOPS.length - 2);
    const [from, to] = [STOPS[k] as Rgb, STOPS[k + 1] as Rgb];
    const mixed = from.map((v, c) => Math.round(v + (at - k) * ((to[c] as number) - v)));
    return `#${mixed.map((v) => v.toString(16).padStart(2, "0")).join("")}`;
  });
}

type Rgb = readonly [number, number, number];
/** The first four fifths of the map: its yellow is too pale on white. */
const STOPS: readonly Rgb[] = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [
  190,
  190,
  30,
]];
