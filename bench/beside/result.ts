/** What a comparison found, as a table and as plain values. Pure. */
import type { Section } from "../report.ts";
import { fixed } from "../table.ts";
import { flopsOf, type Row, tokensOf } from "./rows.ts";

/** What came of one side in one row: its time, or why there is none. */
export type Outcome =
  | { readonly id: string; readonly seconds: number; readonly values: readonly number[] }
  | { readonly id: string; readonly reason: string };

/** A row of the comparison, its outcomes in the order of the sides; ours is the first. */
export interface RowResult {
  readonly row: string;
  readonly outcomes: readonly Outcome[];
}

/** Who stands in which group. */
export interface Grouped {
  readonly id: string;
  readonly family: "ours" | "webgpu" | "wasm" | "torch";
}

/** Relative difference of results that sides in f32 may have, and of those with fewer bits. */
const TOLERANCE = { full: 1e-3, narrow: 5e-2 } as const;

/**
 * Where two sides did not do the same work; undefined when they agree. Sums are taken in other
 * orders and three steps of Adam carry that on, so a loss may be off by a thousandth.
 */
export function disagreement(
  theirs: readonly number[],
  ours: readonly number[],
  { narrow }: { readonly narrow: boolean },
): string | undefined {
  const bound = narrow ? TOLERANCE.narrow : TOLERANCE.full;
  const at = ours.findIndex((value, i) =>
    !(Math.abs((theirs[i] ?? NaN) - value) <= bound * Math.abs(value))
  );
  if (at < 0 && theirs.length === ours.length) return undefined;
  if (at < 0) return `${theirs.length} numbers where ours are ${ours.length}`;
  return `number ${at + 1} is ${theirs[at]?.toPrecision(5)}, ours ${ours[at]?.toPrecision(5)}`;
}

/** Times of our own, and how often faster than the fastest of each group: above 1 is ahead. */
export interface Ratios {
  readonly ours?: number;
  /** Beside the better of the peers in JavaScript. */
  readonly script?: number;
  readonly torch?: number;
  /** Beside PyTorch that is held to AVX2. */
  readonly avx2?: number;
}

/** A peer in a row: its time by ours, above 1 where we are ahead; none where either has no time. */
export interface Beside {
  readonly id: string;
  readonly ratio?: number;
}

/** A row as ratios, peers in the order of the sides. */
export interface BesideRow {
  readonly row: string;
  readonly peers: readonly Beside[];
}

/** How often as fast as each peer we are. */
export function besideOf({ row, outcomes }: RowResult, sides: readonly Grouped[]): BesideRow {
  const ours = oursOf(outcomes, sides);
  const peers = sides.filter(({ family }) => family !== "ours").map(({ id }): Beside => {
    const seconds = secondsOf(outcomes, id);
    const ratio = (seconds ?? NaN) / (ours ?? NaN);
    // A clock that did not move gives no ratio either.
    return ratio > 0 && ratio < Infinity ? { id, ratio } : { id };
  });
  return { row, peers };
}

/** Sides of PyTorch that have columns of ratios. */
const TORCH = "PyTorch f32";
const TORCH_AVX2 = "PyTorch f32 AVX2";

function isScript({ family }: Grouped): boolean {
  return family === "webgpu" || family === "wasm";
}

/** Ratios of a row. PyTorch is taken as it runs unless told: f32, not compiled. */
export function ratiosOf(result: RowResult, sides: readonly Grouped[]): Ratios {
  const ours = oursOf(result.outcomes, sides);
  if (ours === undefined) return {};
  const { peers } = besideOf(result, sides);
  const ratiosIn = (ids: readonly string[]) =>
    peers.flatMap(({ id, ratio }) => ratio !== undefined && ids.includes(id) ? [ratio] : []);
  const script = ratiosIn(sides.filter(isScript).map(({ id }) => id));
  const [torch] = ratiosIn([TORCH]);
  const [avx2] = ratiosIn([TORCH_AVX2]);
  return {
    ours,
    ...script.length > 0 && { script: Math.min(...script) },
    ...torch !== undefined && { torch },
    ...avx2 !== undefined && { avx2 },
  };
}

function oursOf(outcomes: readonly Outcome[], sides: readonly Grouped[]): number | undefined {
  return secondsOf(outcomes, sides.find(({ family }) => family === "ours")?.id);
}

function secondsOf(outcomes: readonly Outcome[], id: string | undefined): number | undefined {
  const outcome = outcomes.find((each) => each.id === id);
  return outcome !== undefined && "seconds" in outcome ? outcome.seconds : undefined;
}

/** All rows as a table with ratios, and below it why cells are empty. */
export function sectionOf(
  results: readonly RowResult[],
  { rows, sides }: { readonly rows: readonly Row[]; readonly sides: readonly Grouped[] },
): Section {
  const reasons: string[] = [];
  const cell = (row: string, outcome: Outcome): string => {
    if ("seconds" in outcome) return fixed(1000 * outcome.seconds);
    reasons.push(`${row}, ${outcome.id}: ${outcome.reason}`);
    return `(${reasons.length})`;
  };
  const limited = sides.some(({ id }) => id === TORCH_AVX2);
  const scripts = sides.find(isScript)?.family === "wasm" ? "WebAssembly" : "WebGPU";
  const body = results.map((result) => {
    const { ours, script, torch, avx2 } = ratiosOf(result, sides);
    const row = rows.find(({ name }) => name === result.row);
    return [
      result.row,
      ...result.outcomes.map((outcome) => cell(result.row, outcome)),
      script === undefined ? "" : fixed(script),
      torch === undefined ? "" : fixed(torch),
      ...limited ? [avx2 === undefined ? "" : fixed(avx2)] : [],
      row === undefined || ours === undefined ? "" : paceOf(row, ours),
    ];
  });
  return {
    title: "Milliseconds, and how often we are faster",
    table: [
      [
        "row",
        ...sides.map(({ id }) => id),
        `x best ${scripts}`,
        `x ${TORCH}`,
        ...limited ? [`x ${TORCH_AVX2}`] : [],
        "our pace",
      ],
      ...body,
    ],
    notes: [
      "Medians of rounds that take turns. A ratio is a peer's time by ours: above 1 we are ahead",
      "Every side begins with the same values; losses of the first steps, or means of all results " +
      "of a kernel, must agree before anything is timed",
      ...reasons.map((reason, i) => `(${i + 1}) ${reason}`),
    ],
  };
}

function paceOf(row: Row, seconds: number): string {
  const [flops, tokens] = [flopsOf(row), tokensOf(row)];
  if (flops !== undefined) return `${fixed(flops / seconds / 1e9)} GFLOP/s`;
  return tokens === undefined ? "" : `${fixed(tokens / seconds / 1e3)}k tok/s`;
}
