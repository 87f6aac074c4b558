/**
 * Losses of evaluation sequences, which are assigned to workers by rank and world size.
 */
import type { Batch, Source } from "../data/source.ts";
import type { Program } from "../device/types.ts";
import { carriedSlot } from "./batch_upload.ts";
import type { BatchUpload } from "./batch_upload.ts";
import { EVALUATED } from "./plans.ts";

/** The result of one evaluation sequence. */
export interface SequenceLoss {
  readonly sequence: number;
  /** Targets that count, and batches. */
  readonly counted: number;
  readonly batches: number;
  /** The sum of each term, in the order of the model's terms. */
  readonly sums: readonly number[];
}

/** Losses as rows of f64: sequence, counted targets, batches, the sum of each term. */
export function packLosses(losses: readonly SequenceLoss[]): Float64Array<ArrayBuffer> {
  return Float64Array.from(
    losses.flatMap(({ sequence, counted, batches, sums }) => [sequence, counted, batches, ...sums]),
  );
}

/** An evaluation program, its inputs, and the terms that it sums. */
export interface Evaluator {
  readonly upload: BatchUpload;
  readonly source: Source;
  readonly program: Program;
  /** Names of the terms. */
  readonly terms: readonly string[];
}

/**
 * Losses of the sequences whose number is `rank` modulo `world`, until `signal` is aborted. `moved`
 * is called after each batch with the number of finished sequences.
 */
export async function evaluateShare(
  evaluator: Evaluator,
  { rank, world, signal, moved }: {
    rank: number;
    world: number;
    signal?: AbortSignal | undefined;
    moved?: ((done: number, total: number) => Promise<void>) | undefined;
  },
): Promise<SequenceLoss[]> {
  const { source, terms } = evaluator;
  const losses: SequenceLoss[] = [];
  const all = Math.max(0, Math.ceil((source.sequences - rank) / world));
  for (let sequence = rank; sequence < source.sequences; sequence += world) {
    if (signal?.aborted) break;
    let total: SequenceLoss = { sequence, counted: 0, batches: 0, sums: terms.map(() => 0) };
    for (const batch of source.evaluation(sequence)) {
      const sums = await sumsOf(batch, evaluator);
      await moved?.(losses.length, all);
      total = {
        sequence,
        counted: total.counted + batch.counted,
        batches: total.batches + 1,
        sums: total.sums.map((sum, i) => sum + (sums[i] as number)),
      };
    }
    losses.push(total);
  }
  return losses;
}

/** The sums of the very first batch; empty if there is none. */
export async function firstSums(evaluator: Evaluator): Promise<number[]> {
  const { source } = evaluator;
  const [batch] = source.sequences === 0 ? [] : source.evaluation(0);
  return batch === undefined ? [] : await sumsOf(batch, evaluator);
}

/** The sum of each term over a batch. */
async function sumsOf(
  batch: Batch,
  { upload, program, terms }: Evaluator,
): Promise<number[]> {
  upload.write(batch, carriedSlot);
  program.run();
  const slots = terms.map((name) => ({ slot: EVALUATED + name, offset: 0, length: 1 }));
  return Array.from(await upload.memory.read(slots));
}
