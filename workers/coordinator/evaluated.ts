/** Merges the workers' shares of an evaluation. Pure. */
import { doublesOf } from "../protocol/payload.ts";

/** The evaluation on one text. */
export interface TextEvaluation {
  /** Sum of the losses of all counted targets, nats. */
  readonly nats: number;
  /** Targets that counted. */
  readonly counted: number;
}

/** Mean loss per counted target, and the accuracy; NaN where no target counted. */
export interface Evaluation {
  readonly loss: number;
  readonly accuracy: number;
  readonly counted: number;
  /** By text, in order; every text has an entry. */
  readonly texts: readonly TextEvaluation[];
}

/** Columns of a row: number of the sequence, its loss sum, its counted and its correct targets. */
const COLUMNS = 4;

/**
 * The evaluation of all shares together, summed in the order of sequences. `textOf` maps a sequence to
 * one of the `among` texts.
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
  // A validation part that is too short has no sequence, but its text has an entry.
  const texts = Array.from({ length: among }, (): TextEvaluation => ({ nats: 0, counted: 0 }));
  for (const [sequence = 0, loss = 0, counts = 0] of rows) {
    const text = textOf(sequence);
    const { nats, counted } = texts[text] ?? { nats: 0, counted: 0 };
    texts[text] = { nats: nats + loss, counted: counted + counts };
  }
  return { loss: total(1) / total(2), accuracy: total(3) / total(2), counted: total(2), texts };
}
