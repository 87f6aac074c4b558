/** Formats a profile as text and as JSON. Pure. */
import { maxOf } from "../../base/extremes.ts";
import { showBytes, showCount } from "../../report/format.ts";
import { table } from "../table.ts";
import type { Peaks } from "../../measure/peak.ts";
import type { OpUse } from "../../measure/utilization.ts";
import type { OpSum, TimePart } from "./summary.ts";

/** A profile as `--json` prints it. Times are seconds. */
export interface ProfileReport {
  readonly name: string;
  readonly adapter: string;
  readonly model: string;
  readonly parameters: number;
  /** Those without tables that tokens are only looked up in: N of `uses`. */
  readonly parameters_used: number;
  readonly tokens_per_step: number;
  readonly step: { readonly count: number; readonly mean: number; readonly median: number };
  readonly tokens_per_s: number;
  readonly parts: readonly TimePart[];
  readonly ops: readonly OpSum[];
  readonly measured: Peaks;
  readonly uses: readonly OpUse[];
  /** A gradient from the device and its sum back to it, as each of several workers moves them. */
  readonly exchange: {
    readonly bytes: number;
    readonly read_seconds: number;
    readonly write_seconds: number;
  };
  readonly notes: readonly string[];
}

/** The profile as lines. */
export function profileLines(report: ProfileReport): string[] {
  const { name, adapter, model, parameters, tokens_per_step, step, tokens_per_s, notes } = report;
  return [
    `${name} on ${adapter}: ${showCount(parameters)} parameters, ${showCount(tokens_per_step)} ` +
    `tokens per step`,
    `  ${model}`,
    "",
    ...aligned([
      ["op", "calls", "ms", "share", "GFLOP/s", "GB/s"],
      ...report.ops.map(({ op, calls, seconds, share, flops, bytes }) => [
        op,
        String(calls),
        digits(1e3 * seconds),
        percent(share),
        digits(flops / seconds / 1e9),
        digits(bytes / seconds / 1e9),
      ]),
      ["sum", "", digits(1e3 * total(report.ops)), "", "", ""],
    ]),
    "",
    `step: median ${digits(1e3 * step.median)} ms of ${step.count}, mean ${
      digits(1e3 * step.mean)
    } ms, ${showCount(tokens_per_s)} tokens/s`,
    ...table(report.parts.map(({ part, seconds, words }) => [
      part,
      `${digits(1e3 * seconds)} ms`,
      percent(seconds / step.mean),
      words,
    ])),
    "",
    exchangeLine(report),
    "",
    `use of the device: best matmul here ${digits(report.measured.flops_per_s / 1e9)} GFLOP/s ` +
    `(side ${report.measured.side}), copy ${digits(report.measured.bytes_per_s / 1e9)} GB/s`,
    ...table(report.uses.map(({ formula, flops_per_s, peak, mfu }) => [
      `MFU by ${formula}`,
      mfu === null ? "unknown" : percent(mfu),
      `${digits(flops_per_s / 1e9)} GFLOP/s of ${peak}`,
    ])),
    ...notes.length === 0 ? [] : ["", ...notes],
  ];
}

function exchangeLine({ exchange: { bytes, read_seconds, write_seconds } }: ProfileReport): string {
  return `with several workers: a gradient of ${showBytes(bytes)}, read in ` +
    `${digits(1e3 * read_seconds)} ms, its sum written in ${digits(1e3 * write_seconds)} ms; ` +
    "between them the exchange, see deno task plan";
}

function total(ops: readonly OpSum[]): number {
  return ops.reduce((sum, { seconds }) => sum + seconds, 0);
}

/** Rows with their first column to the left and numbers to the right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, c) => maxOf(rows.map((row) => row[c]?.length ?? 0)));
  return rows.map((row) =>
    "  " +
    row.map((cell, c) => c === 0 ? cell.padEnd(widths[c] ?? 0) : cell.padStart(widths[c] ?? 0))
      .join("  ").trimEnd()
  );
}

/** About three digits: 0.123, 12.3, 1234. */
function digits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
