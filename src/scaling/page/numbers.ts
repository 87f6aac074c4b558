/**
 * Formats a report's numbers for the page. Each is read by its path, which is put in `data-path`.
 */
import type { ScalingReport } from "../report.ts";

/** Formats the number or estimate at a path of the report as HTML. */
export type FormatNumber = (path: string) => string;

/** Mark of an undetermined estimate. */
export const UNDETERMINED = "(not determined)";

/** Mark of a budget with an extrapolated optimum. */
export const BEYOND = "(beyond the trials)";

/** A formatter of a report's numbers. */
export function numberFormatter(report: ScalingReport): FormatNumber {
  return (path) => {
    const value = path.split(".").reduce<unknown>(
      (at, key) => (at as Record<string, unknown>)[key],
      report,
    );
    if (typeof value === "number" || value === null) return datum(path, value);
    const { low, undetermined } = value as { low: number | null; undetermined?: true };
    const range = undetermined
      ? `<span class="range">${UNDETERMINED}</span>`
      : low === null
      ? `<span class="range">no interval</span>`
      : `<span class="range">${datum(`${path}.low`, low, 4)} to ${
        datum(`${path}.high`, (value as { high: number }).high, 4)
      }</span>`;
    return `${datum(`${path}.value`, (value as { value: number }).value)} ${range}`;
  };
}

/** A number with its path in the report; a dash for null. */
export function datum(path: string, value: number | null, digits = 6): string {
  // JSON stores NaN and Infinity as null.
  if (value === null || !Number.isFinite(value)) return "&ndash;";
  return `<data value="${value}" data-path="${path}">${showNumber(value, digits)}</data>`;
}

/** A number as the page prints it: six digits, with an exponent if very large or small. */
export function showNumber(value: number, digits = 6): string {
  if (value === 0 || Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) {
    return value.toExponential(digits - 1).replace(/\.?0*e/, "e").replace("e+", "e");
  }
  return String(Number(value.toPrecision(digits)));
}

/** `95 %`. */
export function percentOf(level: number): string {
  return `${Number((100 * level).toPrecision(4))} %`;
}
