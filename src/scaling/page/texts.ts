/** Text files of a report. */
import { csvTable } from "../../base/text/csv.ts";
import { sealed } from "../../base/hash.ts";
import type { ScalingReport } from "../report.ts";

/** scaling.json with its seal; each list of numbers on one line. */
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

/** points.csv: the fitted trials with predictions and residuals. */
export function pointsCsv({ points }: ScalingReport): string {
  return csvTable([COLUMNS, ...points.map((point) => COLUMNS.map((column) => point[column]))]);
}
