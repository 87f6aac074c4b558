/**
 * Loss terms: a model returns named sums, which the engine divides by their counts over the whole
 * step, adds, differentiates, reduces over workers and logs.
 */
import { correct, crossEntropy } from "../../kernels/cross_entropy/mod.ts";
import { pointwise } from "../../kernels/pointwise/mod.ts";
import { rowMean, sum } from "../../kernels/reduce/mod.ts";
import { reshape } from "../../kernels/shape/mod.ts";
import { logSoftmax } from "../../kernels/softmax/mod.ts";
import type { Tensor } from "../graph/types.ts";
import { EQUAL, IS_ABOVE, LOG_LOSS, smoothingFormula, SQUARED_DIFFERENCE } from "./formulas.ts";
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
  /**
   * Whether only the loss of training has it: an evaluation tells its mean beside a loss without it,
   * so that models with and without such terms compare. Default false.
   */
  readonly auxiliary?: boolean;
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

/** Name of the loss against the smoothed distribution of labels. */
export const SMOOTHED = "smoothed";

/**
 * Classification against smoothed labels: the share `smoothing` of each label's probability is
 * spread over all classes (Szegedy et al. 2016, section 7). `nll` and `correct` are evaluated only.
 */
export function smoothedClassification(
  head: Head,
  labels: Tensor,
  smoothing: number,
): LossTerms {
  const terms = classification(head, labels);
  if (smoothing === 0) return terms;
  const of = (logits: Tensor, labels: Tensor) => smoothedEntropy(logits, labels, smoothing);
  return {
    [SMOOTHED]: { sum: { head, labels, of }, per: "targets", weight: 1 },
    [NLL]: { ...terms[NLL] as Term, weight: 0 },
    [CORRECT]: terms[CORRECT] as Term,
  };
}

/** (1 - smoothing) x cross-entropy + smoothing x the mean of -log p over all classes; f32 [R]. */
function smoothedEntropy(logits: Tensor, labels: Tensor, smoothing: number): Tensor {
  const classes = logits.shape.at(-1) as number;
  const own = crossEntropy(logits, labels);
  // The cross-entropy of equal logits is log K, and 0 in rows without a label.
  const counts = crossEntropy(pointwise(EQUAL, [logits]), labels);
  const mean = reshape(rowMean(logSoftmax(logits)), own.shape);
  return pointwise(smoothingFormula(smoothing, classes), [own, mean, counts]);
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
