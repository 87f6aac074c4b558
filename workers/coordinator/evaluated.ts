/** Merges the workers' shares of an evaluation. Pure. */
import type { TermInfo } from "../../src/engine/plans.ts";
import { CORRECT, NLL } from "../../src/nn/terms.ts";
import { doublesOf } from "../protocol/payload.ts";

/** The evaluation on one text. */
export interface TextEvaluation {
  /**
   * The term `nll` summed over the targets, nats: what a perplexity is of. Without that term, the
   * loss times the targets.
   */
  readonly nats: number;
  /** The loss times the targets that counted. */
  readonly total: number;
  /** Targets that counted. */
  readonly counted: number;
}

/** A mean loss by its terms; NaN where no target counted. */
export interface Evaluation {
  readonly loss: number;
  /** Mean of the term of correct predictions; undefined without one. */
  readonly accuracy: number | undefined;
  /** Mean of every other term, by name. */
  readonly terms: Readonly<Record<string, number>>;
  readonly counted: number;
  /** By text, in order; every text has an entry. */
  readonly texts: readonly TextEvaluation[];
}

/** Columns of a row before its terms: the sequence, its counted targets, its batches. */
const COLUMNS = 3;

/** Sums over sequences. */
interface Totals {
  readonly counted: number;
  readonly batches: number;
  /** In the order of the terms. */
  readonly sums: readonly number[];
}

/**
 * The evaluation of all shares together, summed in the order of sequences. `textOf` maps a sequence
 * to one of the `among` texts.
 */
export function evaluationOf(
  payloads: readonly Uint8Array[],
  { among, terms, textOf = () => 0 }: {
    readonly among: number;
    readonly terms: readonly TermInfo[];
    readonly textOf?: ((sequence: number) => number) | undefined;
  },
): Evaluation {
  const width = COLUMNS + terms.length;
  const rows = payloads.flatMap((payload) => {
    const values = doublesOf(payload);
    const count = values.length / width;
    return Array.from({ length: count }, (_, i) => values.slice(width * i, width * (i + 1)));
  }).sort((a, b) => (a[0] as number) - (b[0] as number));
  const none: Totals = { counted: 0, batches: 0, sums: terms.map(() => 0) };
  let all = none;
  // A validation part that is too short has no sequence, but its text has an entry.
  const byText = Array.from({ length: among }, () => none);
  for (const row of rows) {
    const text = textOf(row[0] as number);
    all = plus(all, row);
    byText[text] = plus(byText[text] ?? none, row);
  }
  const means = terms.map(({ name, per }, i) => [name, meanOf(all, { per, i })] as const);
  return {
    loss: terms.reduce(
      (sum, term, i) => counts(term) ? sum + term.weight * (means[i]?.[1] as number) : sum,
      0,
    ),
    accuracy: means.find(([name]) => name === CORRECT)?.[1],
    terms: Object.fromEntries(means.filter(([name]) => name !== CORRECT)),
    counted: all.counted,
    texts: byText.map((totals) => ({
      nats: natsOf(totals, terms),
      total: totalOf(totals, terms),
      counted: totals.counted,
    })),
  };
}

function plus({ counted, batches, sums }: Totals, row: ArrayLike<number>): Totals {
  return {
    counted: counted + (row[1] as number),
    batches: batches + (row[2] as number),
    sums: sums.map((sum, i) => sum + (row[COLUMNS + i] as number)),
  };
}

function meanOf(
  { counted, batches, sums }: Totals,
  { per, i }: Pick<TermInfo, "per"> & { readonly i: number },
): number {
  return (sums[i] as number) / (per === "targets" ? counted : batches);
}

function natsOf(totals: Totals, terms: readonly TermInfo[]): number {
  const nll = terms.findIndex(({ name, per }) => name === NLL && per === "targets");
  return nll < 0 ? totalOf(totals, terms) : totals.sums[nll] as number;
}

function totalOf({ counted, batches, sums }: Totals, terms: readonly TermInfo[]): number {
  if (counted === 0) return 0;
  return terms.reduce((total, term, i) => {
    const sum = counts(term) ? term.weight * (sums[i] as number) : 0;
    return total + (term.per === "targets" ? sum : sum * counted / batches);
  }, 0);
}

/** Whether a term is part of the loss of an evaluation. */
function counts({ weight, auxiliary = false }: TermInfo): boolean {
  return weight !== 0 && !auxiliary;
}
