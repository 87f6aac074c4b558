/** What the coordinator makes of its workers' shares of an evaluation. Pure. */
import { doublesOf } from "./payload.ts";

/** Mean loss per counted target, and the share of targets that were met. */
export interface Evaluation {
  readonly loss: number;
  readonly accuracy: number;
}

/** Columns of a row: number of the sequence, its loss sum, its counted and its met targets. */
const COLUMNS = 4;

/** The evaluation that workers' shares make up, summed in the order of sequences. */
export function evaluationOf(payloads: readonly Uint8Array[]): Evaluation {
  const rows = payloads.flatMap((payload) => {
    const values = doublesOf(payload);
    const count = values.length / COLUMNS;
    return Array.from({ length: count }, (_, i) => values.slice(COLUMNS * i, COLUMNS * (i + 1)));
  }).sort((a, b) => (a[0] as number) - (b[0] as number));
  const total = (column: number) => rows.reduce((sum, row) => sum + (row[column] as number), 0);
  return { loss: total(1) / total(2), accuracy: total(3) / total(2) };
}
