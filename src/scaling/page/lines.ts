/** A report as terminal lines: the numbers, marks and warnings of the page. */
import { BEYOND, showNumber, UNDETERMINED } from "./numbers.ts";
import type { ScalingReport } from "../report.ts";
import type { Estimate } from "../types.ts";

/** The law, the allocations, and the warnings. */
export function reportLines(report: ScalingReport): string[] {
  const { chinchilla: { estimates: e, quality: q }, source, optimal } = report;
  const of = ({ value, low, high, undetermined }: Estimate) =>
    showNumber(value) +
    (undetermined
      ? ` ${UNDETERMINED}`
      : low === null || high === null
      ? ""
      : ` [${showNumber(low, 4)}, ${showNumber(high, 4)}]`);
  // Skip the first and the last limit, which hold for every law.
  const notes = [...source.notes, ...report.limits.slice(1, -1)];
  return [
    `${source.used} trials, N counts ${source.params}, ${source.loss}; ${source.failed} failed, ` +
    `${source.stopped} stopped early`,
    "L(N, D) = E + A / N^alpha + B / D^beta",
    ...(["E", "A", "B", "alpha", "beta", "a", "b"] as const).map((key) =>
      `  ${key.padEnd(5)}  ${of(e[key])}`
    ),
    `R^2 ${showNumber(q.r2)} in log loss, rms ${showNumber(q.rms, 4)}, left out ` +
    showNumber(q.leave_one_out_rms, 4),
    ...optimal.map((row) =>
      `  C ${showNumber(row.flops)}: ` +
      ("skipped" in row
        ? `none: ${row.skipped}`
        : `N ${of(row.params)}, D ${of(row.tokens)}, loss ${of(row.loss)}` +
          (row.outside ? ` ${BEYOND}` : ""))
    ),
    ...notes.map((note) => `note: ${note}`),
  ];
}
