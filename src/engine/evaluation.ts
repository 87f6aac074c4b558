/**
 * The losses of evaluation sequences, one batch after the other. It knows no coordinator: which
 * sequences are whose is a pure function of rank and world size.
 */
import type { Batch, Source } from "../data/source.ts";
import type { Program } from "../device/types.ts";
import { carriedSlot } from "./batch_upload.ts";
import type { BatchUpload } from "./batch_upload.ts";
import { EVAL_SUMS } from "./plans.ts";

/** What came of one evaluation sequence. */
export interface SequenceLoss {
  readonly sequence: number;
  /** Sum of the losses, targets counted, targets met. */
  readonly loss: number;
  readonly counted: number;
  readonly correct: number;
}

/**
 * Losses of the sequences whose number is `rank` modulo `world`, until `signal` is aborted; `moved`
 * hears of each batch how many of them are done.
 */
export async function evaluateShare(
  { feed, source, program }: { feed: BatchUpload; source: Source; program: Program },
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
      const [loss, correct] = await lossOf(batch, { feed, program });
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

/** Loss and met targets of the first batch of all; empty where nothing is evaluated. */
export async function firstLoss(
  { feed, source, program }: { feed: BatchUpload; source: Source; program: Program },
): Promise<number[]> {
  const [batch] = source.sequences === 0 ? [] : source.evaluation(0);
  return batch === undefined ? [] : [...await lossOf(batch, { feed, program })];
}

/** Sum of the losses of a batch, and how many of its targets were met. */
async function lossOf(
  batch: Batch,
  { feed, program }: { feed: BatchUpload; program: Program },
): Promise<readonly [loss: number, correct: number]> {
  feed.upload(batch, carriedSlot);
  program.run();
  const slots = [EVAL_SUMS.loss, EVAL_SUMS.correct];
  const [loss = NaN, correct = NaN] = await feed.memory.read(
    slots.map((slot) => ({ slot, offset: 0, length: 1 })),
  );
  return [loss, correct];
}
