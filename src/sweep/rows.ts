/** Result rows of trials, the input of fits. Pure. */
import { csvTable } from "../base/text/csv.ts";
import type { Counts } from "../budget/counts.ts";
import { sealed } from "../base/hash.ts";
import type { RunConfig } from "../config/schema.ts";
import { flopsOfToken, type Trial } from "./types.ts";

/** How a trial ended. */
export interface TrialOutcome {
  readonly status: "done" | "failed" | "stopped";
  /** Of the last step, in nats per token. */
  readonly loss: number | null;
  readonly valLoss: number | null;
  /** Finished steps. */
  readonly steps: number;
  /** Total seconds of its processes. */
  readonly seconds: number;
  readonly stateHash: string | null;
  readonly workers: number;
  /** Branch point, if any. */
  readonly trunk: { readonly key: string; readonly step: number } | null;
  /** Reason of a failure. */
  readonly reason: string | null;
}

/** A line of trials.jsonl. Losses are in nats per token. */
export interface TrialRow {
  readonly key: string;
  readonly name: string;
  readonly group: string;
  readonly params: Counts;
  /** Training tokens. */
  readonly tokens: number;
  /** By `flops_formula`, from step 0 including the trunk. */
  readonly flops: number;
  readonly flops_formula: "6ND";
  readonly loss: number | null;
  readonly val_loss: number | null;
  readonly steps: number;
  readonly seconds: number;
  readonly seed: number;
  readonly axes: Readonly<Record<string, unknown>>;
  readonly state_hash: string | null;
  readonly workers: number;
  readonly status: TrialOutcome["status"];
  readonly trunk: TrialOutcome["trunk"];
  readonly reason: string | null;
  readonly config: RunConfig;
}

/** The row of a trial. */
export function rowOf(trial: Trial, outcome: TrialOutcome): TrialRow {
  const { key, name, group, size, axes, config } = trial;
  const tokens = outcome.steps * size.tokensPerStep;
  return {
    key,
    name,
    group,
    params: size.counts,
    tokens,
    flops: flopsOfToken(size) * tokens,
    flops_formula: "6ND",
    loss: outcome.loss,
    val_loss: outcome.valLoss,
    steps: outcome.steps,
    seconds: Math.round(1000 * outcome.seconds) / 1000,
    seed: config.seed,
    axes,
    state_hash: outcome.stateHash,
    workers: outcome.workers,
    status: outcome.status,
    trunk: outcome.trunk,
    reason: outcome.reason,
    config,
  };
}

/** Rows as lines of JSON, each with its seal. */
export function jsonLines(rows: readonly TrialRow[]): string {
  return rows.map((row) => JSON.stringify(sealed(row)) + "\n").join("");
}

/** Rows as CSV without configs; nested values have dotted columns. */
export function csv(rows: readonly TrialRow[]): string {
  const flat = rows.map(({ config: _, trunk, params, axes, ...row }) => ({
    ...row,
    ...prefixed("params", { ...params }),
    ...prefixed("axes", axes),
    trunk: trunk === null ? null : `${trunk.key}@${trunk.step}`,
  }));
  const columns = Array.from(new Set(flat.flatMap((row) => Object.keys(row))));
  const cells = flat.map((row: Record<string, unknown>) => columns.map((column) => row[column]));
  return csvTable([columns, ...cells]);
}

function prefixed(name: string, values: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [`${name}.${key}`, value]),
  );
}
