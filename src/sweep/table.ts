/** The summary table of a sweep. Pure. */
import { maxOf } from "../base/extremes.ts";
import { showCount, showLoss, showSeconds } from "../report/format.ts";
import type { TrialRow } from "./rows.ts";

const HEAD = ["trial", "params", "tokens", "FLOP", "val loss", "time", "status"];

/** Rows as aligned columns; numbers are right-aligned. */
export function trialTable(rows: readonly TrialRow[]): string[] {
  const cells = [HEAD, ...rows.map(cellsOf)];
  const widths = HEAD.map((_, column) => maxOf(cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) =>
    row.map((cell, column) => {
      const width = widths[column] as number;
      return column === 0 || column === HEAD.length - 1 ? cell.padEnd(width) : cell.padStart(width);
    }).join("  ").trimEnd()
  );
}

function cellsOf({ name, params, tokens, flops, val_loss, seconds, status }: TrialRow): string[] {
  return [
    name,
    showCount(params.all),
    showCount(tokens),
    flops.toExponential(2),
    val_loss === null ? "-" : showLoss(val_loss),
    showSeconds(seconds),
    status,
  ];
}
