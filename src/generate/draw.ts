/** Samples the next token from logits. Pure. */
import { UserError } from "../base/user_error.ts";
import { keepLikely } from "./keep.ts";

/** Sampling parameters. */
export interface Sampling {
  /** Divides the logits; 0: greedy, ties to the lowest id. */
  readonly temperature: number;
  /** Samples from the `topK` likeliest tokens; 0: all. */
  readonly topK?: number;
  /** Nucleus probability mass, in (0, 1]. */
  readonly topP?: number;
  /** Repetition penalty, above 0: above 1 makes earlier tokens less likely. */
  readonly penalty?: number;
}

/** A token and its log-probability under the softmax of the unmodified logits. */
export interface DrawnToken {
  readonly id: number;
  readonly logprob: number;
}

/** Options of one draw. */
export interface DrawOptions extends Sampling {
  /** Uniform in [0, 1). */
  readonly u: number;
  /**
   * Only the first `known` of V tokens may be drawn; default: all. A padded vocabulary has more
   * logits than the tokenizer has tokens.
   */
  readonly known?: number | undefined;
  /** Distinct tokens of the text so far. */
  readonly seen?: Iterable<number>;
}

/**
 * Draws a token from logits [V]: penalty, temperature, top-k, top-p, in this order. Top-p is the
 * nucleus of Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", section 3.1.
 * Top-p is relative to the known tokens. The log-probability is normalised over all V logits, as
 * the training loss is: padding tokens have probability as well.
 * @throws {UserError} `numerical` for NaN or infinite logits.
 */
export function drawToken(
  logits: Float32Array,
  { temperature, topK = 0, topP = 1, penalty = 1, u, seen = [], known }: DrawOptions,
): DrawnToken {
  const norm = logSum(logits);
  const scores = penalized(logits.subarray(0, known), { penalty, seen });
  const id = temperature === 0
    ? greatest(scores)
    : cut(keepLikely(weights(scores, temperature), { topK, topP }), u);
  return { id, logprob: (logits[id] as number) - norm };
}

/** log(sum(exp(logits))). */
function logSum(logits: Float32Array): number {
  const odd = logits.findIndex((x) => Number.isNaN(x) || x === Infinity);
  const top = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  if (odd >= 0 || top === -Infinity) {
    throw new UserError(
      "numerical",
      `Cannot draw a token: need logits that are numbers: ` +
        (odd >= 0 ? `that of token ${odd} is ${logits[odd]}` : "all are -Infinity"),
    );
  }
  return top + Math.log(logits.reduce((sum, x) => sum + Math.exp(x - top), 0));
}

/**
 * Divides the logits of seen tokens by the penalty, or multiplies negative ones, so that a penalty
 * above 1 always lowers them. Source: Keskar et al. 2019, "CTRL", section 4.1, which divides;
 * negative logits as in Hugging Face transformers.
 */
function penalized(
  logits: Float32Array,
  { penalty, seen }: { penalty: number; seen: Iterable<number> },
): Float64Array {
  const scores = Float64Array.from(logits);
  if (penalty === 1) return scores;
  for (const id of new Set(seen)) {
    const x = scores[id] as number;
    scores[id] = x > 0 ? x / penalty : x * penalty;
  }
  return scores;
}

/** Index of the greatest element, the first of equals. */
function greatest(scores: Float64Array): number {
  return scores.reduce((best, x, i) => x > (scores[best] as number) ? i : best, 0);
}

/** exp(scores / temperature), scaled so that the greatest is 1. */
function weights(scores: Float64Array, temperature: number): Float64Array {
  const top = scores[greatest(scores)] as number;
  return scores.map((x) => Math.exp((x - top) / temperature));
}

/** Inverse CDF: the index at which the cumulative sum of weights exceeds `u` of their total. */
function cut(weights: Float64Array, u: number): number {
  let rest = u * weights.reduce((a, b) => a + b, 0);
  const at = weights.findIndex((weight) => (rest -= weight) < 0);
  // Rounding may leave a remainder after the last token: assign it to that token.
  return at >= 0 ? at : weights.findLastIndex((weight) => weight > 0);
}
