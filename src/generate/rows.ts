/** Draws rows side by side from a model that remembers. Knows no device and no terminal. */
import type { GenerationRow, Taken } from "./row.ts";

/** A model that is fed tokens and remembers them. */
export interface Feeder {
  /** Rows B that it reads side by side. */
  readonly rows: number;
  /** Forgets all tokens. */
  reset(): void;
  /** Feeds tokens [B, n] and gives logits [B, V] behind the last ones. */
  feed(tokens: Uint32Array): Promise<Float32Array>;
}

/** What drawing rows needs beside them. */
export interface DrawRowsOptions {
  /** Tokens that all rows go on from; at least one. */
  readonly prompt: Uint32Array;
  /** How many of the V tokens may be drawn, the first ones; all unless told. */
  readonly known?: number;
  /** Hears of each token; `row` counts from 0 in `rows`. */
  readonly taken: (row: number, taken: Taken) => void;
  /** Hears of each row that ended, after its last token, with the text that still waited. */
  readonly ended: (row: number, rest: string) => void;
  /** Ends all rows after the token under way. */
  readonly signal?: AbortSignal;
}

/** Draws at most as many rows as the model reads, until all have ended. */
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
    // Rows that ended, and those that there are too few of, read on beside the others unheard.
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
