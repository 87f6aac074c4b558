/** Generates a batch of rows with a stateful model. */
import type { GenerationRow, Taken } from "./row.ts";

/** A stateful model that is fed tokens incrementally. */
export interface Feeder {
  /** Batch size B. */
  readonly rows: number;
  /** Clears the state. */
  reset(): void;
  /** Feeds tokens [B, n]; returns logits [B, V] of the last position. */
  feed(tokens: Uint32Array): Promise<Float32Array>;
}

/** Options of {@linkcode drawRows}. */
export interface DrawRowsOptions {
  /** Prompt tokens of all rows; at least one. */
  readonly prompt: Uint32Array;
  /** Only the first `known` of V tokens may be drawn; default: all. */
  readonly known?: number;
  /** Called for each token; `row` is an index in `rows`. */
  readonly taken: (row: number, taken: Taken) => void;
  /** Called when a row ends, with its remaining text. */
  readonly ended: (row: number, rest: string) => void;
  /** Ends all rows after the current token. */
  readonly signal?: AbortSignal;
}

/** Draws all rows, at most B, until they end. */
export async function drawRows(
  model: Feeder,
  rows: readonly GenerationRow[],
  { prompt, known, taken, ended, signal }: DrawRowsOptions,
): Promise<void> {
  model.reset();
  const open = new Set(rows.keys());
  const end = (r: number, row: GenerationRow) => {
    open.delete(r);
    ended(r, row.finish());
  };
  let tokens = sideBySide(prompt, model.rows);
  while (open.size > 0 && !signal?.aborted) {
    const logits = await model.feed(tokens);
    const vocabulary = logits.length / model.rows;
    for (const [r, row] of rows.entries()) {
      if (!open.has(r)) continue;
      const from = r * vocabulary;
      taken(r, row.take(logits.subarray(from, from + vocabulary), known));
      if (row.ended !== undefined) end(r, row);
    }
    // Ended and missing rows are fed as padding; their logits are ignored.
    tokens = Uint32Array.from({ length: model.rows }, (_, r) => rows[r]?.last ?? 0);
  }
  for (const [r, row] of rows.entries()) if (open.has(r)) end(r, row);
}

function sideBySide(tokens: Uint32Array, rows: number): Uint32Array {
  return Uint32Array.from(
    { length: rows * tokens.length },
    (_, i) => tokens[i % tokens.length] as number,
  );
}
