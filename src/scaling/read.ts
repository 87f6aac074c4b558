/** Parses a sweep's trials.jsonl to points. */
import { sealFault } from "../base/hash.ts";
import { parseJsonText } from "../base/text/json.ts";
import { UserError } from "../base/user_error.ts";
import { type ScalingTrial, trialSchema } from "./schema.ts";
import type { ScalingPoint } from "./types.ts";

/** Ways to count parameters. */
export const COUNTS = ["all", "no_embedding", "matrices"] as const;
/** A way to count parameters. */
export type Count = typeof COUNTS[number];
/** Which loss to fit: validation or training. */
export type LossKind = "val" | "train";

/** Points by each count, and numbers of excluded trials. */
export interface Trials {
  /** By count; a user table has only one. */
  readonly points: Readonly<Partial<Record<Count, readonly ScalingPoint[]>>>;
  readonly failed: number;
  readonly stopped: number;
  /** Excluded duplicates, equal to another in parameters, tokens and loss. */
  readonly repeated: readonly string[];
  /** Notices about how the file was read. */
  readonly notes: readonly string[];
}

/** Reads `trials.jsonl`; the last line of a key wins. @throws {UserError} `data`. */
export function readTrials(
  text: string,
  { path, loss }: { path: string; loss: LossKind },
): Trials {
  const rows = new Map<string, ScalingTrial>();
  for (const [i, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const row = trialOf(line, `${path}:${i + 1}`);
    rows.set(row.key, row);
  }
  const trials = [...rows.values()];
  const done = trials.filter((row) => row.status === "done");
  const counts = COUNTS.map((count) =>
    [count, done.map((row) => pointOf(row, { count, loss, path }))] as const
  );
  const { kept, repeated } = newestTrials(
    counts[0]?.[1] ?? [],
    done.map(({ key, name }) => `trial ${name ?? key}`),
  );
  return {
    points: Object.fromEntries(
      counts.map(([count, points]) => [count, kept.map((i) => points[i] as ScalingPoint)]),
    ),
    failed: trials.filter((row) => row.status === "failed").length,
    stopped: trials.filter((row) => row.status === "stopped").length,
    repeated,
    notes: [],
  };
}

/**
 * Indices of the points without exact duplicates in parameters, tokens and loss. Such rows are one
 * trial written twice, which would narrow all intervals. Replicates with another seed differ in
 * loss.
 */
export function newestTrials(
  points: readonly ScalingPoint[],
  labels: readonly string[],
): { readonly kept: readonly number[]; readonly repeated: readonly string[] } {
  const first = new Map<string, number>();
  const kept: number[] = [];
  const repeated: string[] = [];
  for (const [i, { params, tokens, loss }] of points.entries()) {
    const key = `${params} ${tokens} ${loss}`;
    const earlier = first.get(key);
    if (earlier === undefined) {
      first.set(key, i);
      kept.push(i);
    } else repeated.push(`${labels[i]} repeats ${labels[earlier]}`);
  }
  return { kept, repeated };
}

function trialOf(line: string, where: string): ScalingTrial {
  let value: unknown;
  try {
    value = parseJsonText(line);
  } catch {
    throw new UserError("data", `Cannot read ${where}: need a trial as JSON: ${clip(line)}`);
  }
  const fault = sealFault(value);
  if (fault !== undefined) {
    throw new UserError(
      "data",
      `Cannot read ${where}: need a trial as its sweep wrote it: ${fault}: run the sweep again, which ` +
        "writes it anew, or fit a table of your own with --csv",
    );
  }
  const { data, error } = trialSchema.safeParse(value);
  if (data !== undefined) return data;
  const [issue] = error.issues;
  const key = issue?.path.join(".") ?? "";
  throw new UserError(
    "data",
    `Cannot read ${where}: need a trial: ${key || "row"}: ${issue?.message}`,
  );
}

function pointOf(
  row: ScalingTrial,
  { count, loss, path }: { count: Count; loss: LossKind; path: string },
): ScalingPoint {
  const name = row.name ?? row.key;
  const value = loss === "val" ? row.val_loss : row.loss;
  if (loss === "val" && (value ?? null) === null && (row.loss ?? null) !== null) {
    throw new UserError(
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

/** Plausibility bounds: no trial comes near a thousandth of them. */
const LARGEST = { params: 1e24, tokens: 1e24, flops: 1e48, loss: 1e9 } as const;
/** Lower bounds; a smaller loss is no cross entropy of text. */
const LEAST = { params: 1, tokens: 1, flops: 1, loss: 1e-9 } as const;

/** Validates the numbers of a point. @throws {UserError} `data`. */
export function checked(point: ScalingPoint, where: string): ScalingPoint {
  for (const key of ["params", "tokens", "flops", "loss"] as const) {
    const value = point[key];
    if (!Number.isFinite(value) || value <= 0) {
      const shown = Number.isNaN(value) ? "none" : value;
      throw new UserError("data", `Cannot fit ${where}: need a positive, finite ${key}: ${shown}`);
    }
    const [least, largest] = [LEAST[key], LARGEST[key]];
    if (value >= least && value <= largest) continue;
    throw new UserError(
      "data",
      `Cannot fit ${where}: need ${key} in [${least}, ${largest.toExponential()}]: ${value}`,
    );
  }
  return point;
}

function clip(text: string): string {
  return text.length > 40 ? text.slice(0, 40) + "..." : text;
}
