/** What the coordinator makes of its workers' shares of an evaluation. Pure. */
import { doublesOf } from "../protocol/payload.ts";

/** What was measured on a text. */
export interface TextEvaluation {
  /** Sum of the losses of all counted targets, nats. */
  readonly nats: number;
  /** Targets that counted. */
  readonly counted: number;
}

/** Mean loss per counted target, and the share of targets that were met; NaN where none counted. */
export interface Evaluation {
  readonly loss: number;
  readonly accuracy: number;
  readonly counted: number;
  /** The same by text, in their order; every text has an entry. */
  readonly texts: readonly TextEvaluation[];
}

/** Columns of a row: number of the sequence, its loss sum, its counted and its met targets. */
const COLUMNS = 4;

/**
 * The evaluation that workers' shares make up, summed in the order of sequences; `textOf` says which
 * of `among` texts a sequence is of.
 */
export function evaluationOf(
  payloads: readonly Uint8Array[],
  { among, textOf = () => 0 }: { among: number; textOf?: (sequence: number) => number },
): Evaluation {
  const rows = payloads.flatMap((payload) => {
    const values = doublesOf(payload);
    const count = values.length / COLUMNS;
    return Array.from({ length: count }, (_, i) => values.slice(COLUMNS * i, COLUMNS * (i + 1)));
  }).sort((a, b) => (a[0] as number) - (b[0] as number));
  const total = (column: number) => rows.reduce((sum, row) => sum + (row[column] as number), 0);
  // A part that is too short has no sequence: its text counts nothing, and is not left out.
  const texts = Array.from({ length: among }, (): TextEvaluation => ({ nats: 0, counted: 0 }));
  for (const [sequence = 0, loss = 0, counts = 0] of rows) {
    const text = textOf(sequence);
    const { nats, counted } = texts[text] ?? { nats: 0, counted: 0 };
    texts[text] = { nats: nats + loss, counted: counted + counts };
  }
  return { loss: total(1) / total(2), accuracy: total(3) / total(2), counted: total(2), texts };
}
