/** A report's files that are not pictures, as texts. */
import { csvTable } from "../../base/text/csv.ts";
import { sealed } from "../../base/hash.ts";
import type { ScalingReport } from "../report.ts";

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
  return csvTable([COLUMNS, ...points.map((point) => COLUMNS.map((column) => point[column]))]);
}
