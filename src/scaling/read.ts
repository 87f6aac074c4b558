/** From the text of a file to points: a sweep's trials, or a table. Opens no file. */
import { Refusal } from "../base/refusal.ts";
import { FLOP_PER_PARAM_TOKEN } from "./law.ts";
import { type Trial, trialSchema } from "./schema.ts";
import type { Point } from "./types.ts";

/** How parameters may be counted. */
export const COUNTS = ["all", "no_embedding", "matrices"] as const;
/** One of them. */
export type Count = typeof COUNTS[number];
/** Which loss is fitted: that of the validation, or the training's. */
export type LossKind = "val" | "train";

/** Points by each count, and how many trials are not among them. */
export interface Trials {
  /** By the count; a table has one only. */
  readonly points: Readonly<Partial<Record<Count, readonly Point[]>>>;
  readonly failed: number;
  readonly stopped: number;
}

/** Reads `trials.jsonl`; of two lines of one key the last counts. @throws {Refusal} `data`. */
export function readTrials(
  text: string,
  { path, loss }: { path: string; loss: LossKind },
): Trials {
  const rows = new Map<string, Trial>();
  for (const [i, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const row = trialOf(line, `${path}:${i + 1}`);
    rows.set(row.key, row);
  }
  const trials = [...rows.values()];
  const done = trials.filter((row) => row.status === "done");
  const counts = COUNTS.map((
    count,
  ) => [count, done.map((row) => pointOf(row, { count, loss, path }))]);
  return {
    points: Object.fromEntries(counts),
    failed: trials.filter((row) => row.status === "failed").length,
    stopped: trials.filter((row) => row.status === "stopped").length,
  };
}

function trialOf(line: string, where: string): Trial {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Refusal("data", `Cannot read ${where}: need a trial as JSON: ${clip(line)}`);
  }
  const { data, error } = trialSchema.safeParse(value);
  if (data !== undefined) return data;
  const [issue] = error.issues;
  const key = issue?.path.join(".") ?? "";
  throw new Refusal(
    "data",
    `Cannot read ${where}: need a trial: ${key || "row"}: ${issue?.message}`,
  );
}

function pointOf(
  row: Trial,
  { count, loss, path }: { count: Count; loss: LossKind; path: string },
): Point {
  const name = row.name ?? row.key;
  const value = loss === "val" ? row.val_loss : row.loss;
  if (loss === "val" && (value ?? null) === null && (row.loss ?? null) !== null) {
    throw new Refusal(
      "data",
      `Cannot fit ${path}: need a val_loss in each trial that is done, or --loss=train: ` +
        `trial ${name} has none`,
    );
  }
  const point = {
    name,
    params: row.params[count],
    tokens: row.tokens,
    flops: row.flops,
    loss: value ?? NaN,
  };
  return checked(point, `trial ${name} of ${path}`);
}

/** Columns that a table must have. */
const COLUMNS = ["params", "tokens", "loss"] as const;

/**
 * Reads a table of records; columns `params`, `tokens`, `loss`, and `flops` and `name` where
 * there are such. @throws {Refusal} `data`.
 */
export function readTable(rows: readonly (readonly string[])[], path: string): Trials {
  const [head = [], ...records] = rows;
  const names = head.map((name) => name.trim());
  const missing = COLUMNS.filter((column) => !names.includes(column));
  if (missing.length > 0) {
    throw new Refusal(
      "data",
      `Cannot read ${path}: need the columns ${COLUMNS.join(", ")}: no ${missing.join(", ")}`,
    );
  }
  const points = records.map((record, i) => {
    const cell = (name: string) => (record[names.indexOf(name)] ?? "").trim();
    const number = (name: string) => cell(name) === "" ? NaN : Number(cell(name));
    const [params, tokens] = [number("params"), number("tokens")];
    return checked({
      name: cell("name") || `row ${i + 1}`,
      params,
      tokens,
      flops: cell("flops") === "" ? FLOP_PER_PARAM_TOKEN * params * tokens : number("flops"),
      loss: number("loss"),
    }, `${path}, row ${i + 1}`);
  });
  return { points: { all: points }, failed: 0, stopped: 0 };
}

function checked(point: Point, where: string): Point {
  for (const key of ["params", "tokens", "flops", "loss"] as const) {
    const value = point[key];
    if (Number.isFinite(value) && value > 0) continue;
    const shown = Number.isNaN(value) ? "none" : value;
    throw new Refusal("data", `Cannot fit ${where}: need a positive, finite ${key}: ${shown}`);
  }
  return point;
}

function clip(text: string): string {
  return text.length > 40 ? text.slice(0, 40) + "..." : text;
}
