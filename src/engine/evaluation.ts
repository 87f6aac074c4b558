/**
 * Losses of evaluation sequences, which are assigned to workers by rank and world size.
 */
import type { Batch, Source } from "../data/source.ts";
import type { Program } from "../device/types.ts";
import { carriedSlot } from "./batch_upload.ts";
import type { BatchUpload } from "./batch_upload.ts";
import { EVAL_SUMS } from "./plans.ts";

/** The result of one evaluation sequence. */
export interface SequenceLoss {
  readonly sequence: number;
  /** Sum of the losses, number of targets, correct predictions. */
  readonly loss: number;
  readonly counted: number;
  readonly correct: number;
}

/**
 * Losses of the sequences whose number is `rank` modulo `world`, until `signal` is aborted. `moved`
 * is called after each batch with the number of finished sequences.
 */
export async function evaluateShare(
  { upload, source, program }: { upload: BatchUpload; source: Source; program: Program },
  { rank, world, signal, moved }: {
    rank: number;
    world: number;
    signal?: AbortSignal | undefined;
    moved?: ((done: number, total: number) => Promise<void>) | undefined;
  },
): Promise<SequenceLoss[]> {
  const losses: SequenceLoss[] = [];
  const all = Math.max(0, Math.ceil((source.sequences - rank) / world));
  for (let sequence = rank; sequence < source.sequences; sequence += world) {
    if (signal?.aborted) break;
    let total = { sequence, loss: 0, counted: 0, correct: 0 };
    for (const batch of source.evaluation(sequence)) {
      const [loss, correct] = await lossOf(batch, { upload, program });
      await moved?.(losses.length, all);
      total = {
        sequence,
        loss: total.loss + loss,
        counted: total.counted + batch.counted,
        correct: total.correct + correct,
      };
    }
    losses.push(total);
  }
  return losses;
}

/** Loss and correct predictions of the very first batch; empty if there is none. */
export async function firstLoss(
  { upload, source, program }: { upload: BatchUpload; source: Source; program: Program },
): Promise<number[]> {
  const [batch] = source.sequences === 0 ? [] : source.evaluation(0);
  return batch === undefined ? [] : [...await lossOf(batch, { upload, program })];
}

/** Sum of the losses of a batch, and its correct predictions. */
async function lossOf(
  batch: Batch,
  { upload, program }: { upload: BatchUpload; program: Program },
): Promise<readonly [loss: number, correct: number]> {
  upload.write(batch, carriedSlot);
  program.run();
  const slots = [EVAL_SUMS.loss, EVAL_SUMS.correct];
  const [loss = NaN, correct = NaN] = await upload.memory.read(
    slots.map((slot) => ({ slot, offset: 0, length: 1 })),
  );
  return [loss, correct];
}
