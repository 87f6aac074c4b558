/**
 * Loss terms: a model returns named sums, which the engine divides by their counts over the whole
 * step, adds, differentiates, reduces over workers and logs.
 */
import { correct, crossEntropy } from "../../kernels/cross_entropy/mod.ts";
import { pointwise } from "../../kernels/pointwise/mod.ts";
import { sum } from "../../kernels/reduce/mod.ts";
import type { Tensor } from "../graph/types.ts";
import { IS_ABOVE, LOG_LOSS, SQUARED_DIFFERENCE } from "./formulas.ts";
import type { Head } from "./head.ts";

/**
 * The sum over all rows of `of(logits, labels)`. The engine computes it in chunks of rows if the
 * logits are large, each differentiated before the next.
 */
export interface RowSum {
  /** The output layer. */
  readonly head: Head;
  /** u32, one per row of the head's x. */
  readonly labels: Tensor;
  /**
   * A value per row, f32 [...], of logits [..., K] and labels u32 [...]; of a chunk of rows these are
   * [R, K] and [R]. Rows whose label is IGNORE are summed as well: `of` gives 0 for them, as
   * cross-entropy does, unless the term counts every row.
   */
  readonly of: (logits: Tensor, labels: Tensor) => Tensor;
}

/** The divisor of a sum: the targets that count in the step, or its micro-batches. */
export type Per = "targets" | "micro_batches";

/** One term of a loss. */
export interface Term {
  /** The micro-batch's sum: f32 [1], or over rows of a head. */
  readonly sum: Tensor | RowSum;
  /** Its divisor. */
  readonly per: Per;
  /** Factor of the term in the loss; 0: it is evaluated only. */
  readonly weight: number;
}

/** The terms of a model's loss by name. */
export type LossTerms = Readonly<Record<string, Term>>;

/** Name of the negative log-likelihood. */
export const NLL = "nll";

/** Name of the number of correct predictions, which is evaluated only. */
export const CORRECT = "correct";

/**
 * Classification of tokens (the next one, a masked one, a label each), of sequences or of images, by
 * what the head reads: the cross-entropy `nll` in nats, and whether the largest logit is the label's.
 * Rows with label IGNORE do not count.
 */
export function classification(head: Head, labels: Tensor): LossTerms {
  return {
    [NLL]: { sum: { head, labels, of: crossEntropy }, per: "targets", weight: 1 },
    [CORRECT]: { sum: { head, labels, of: correct }, per: "targets", weight: 0 },
  };
}

/**
 * Preferences between pairs: `nll` is -log sigmoid(chosen - rejected) of scores f32 [B] (Bradley and
 * Terry 1952; as in reward models, Ouyang et al. 2022, equation 1). The targets that count are pairs.
 */
export function preference(chosen: Tensor, rejected: Tensor): LossTerms {
  const pairs = [chosen, rejected];
  return {
    [NLL]: { sum: sum(pointwise(LOG_LOSS, pairs)), per: "targets", weight: 1 },
    [CORRECT]: { sum: sum(pointwise(IS_ABOVE, pairs)), per: "targets", weight: 0 },
  };
}

/** Regression: the squared error of predictions f32 [...], summed over all elements, per target. */
export function squaredError(predicted: Tensor, wanted: Tensor): LossTerms {
  const total = sum(pointwise(SQUARED_DIFFERENCE, [predicted, wanted]));
  return { squared_error: { sum: total, per: "targets", weight: 1 } };
}

/** Whether a sum is over rows of a head. */
export function isRowSum(sum: Term["sum"]): sum is RowSum {
  return "head" in sum;
}
