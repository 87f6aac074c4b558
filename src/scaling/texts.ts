/** A report's files that are not pictures, as texts. */
import { sealed } from "../base/hash.ts";
import type { ScalingReport } from "./report.ts";

/** scaling.json, with its seal: lists of numbers stand on one line each. */
export function reportJson(report: ScalingReport): string {
  return JSON.stringify(sealed(report), null, 2)
    .replace(
      /\[\s+((?:-?[\d.e+-]+|null)(?:,\s+(?:-?[\d.e+-]+|null))*)\s+\]/g,
      (_, list: string) => `[${list.replace(/,\s+/g, ", ")}]`,
    ) + "\n";
}

const COLUMNS = [
  "name",
  "params",
  "tokens",
  "flops",
  "loss",
  "predicted",
  "residual",
  "left_out",
] as const;

/** points.csv: the trials that were fitted, beside what the law says of them. */
export function pointsCsv({ points }: ScalingReport): string {
  const rows = points.map((point) => COLUMNS.map((column) => cell(point[column])).join(","));
  return [COLUMNS.join(","), ...rows, ""].join("\n");
}

function cell(value: string | number): string {
  const text = String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
