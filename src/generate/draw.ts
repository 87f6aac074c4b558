/** How a text chooses its next token. Pure: knows no model, no tokenizer and no generator. */
import { UserError } from "../base/user_error.ts";
import { keepLikely } from "./keep.ts";

/** How freely tokens are drawn. */
export interface Sampling {
  /** Logits are divided by it; 0 takes the likeliest token, the lowest of equals. */
  readonly temperature: number;
  /** Only so many of the likeliest tokens are drawn from; 0 is all. */
  readonly topK?: number;
  /** Share of the probability, in (0, 1], that the likeliest tokens are drawn from. */
  readonly topP?: number;
  /** Makes tokens that were there before less likely if above 1, more likely below; above 0. */
  readonly penalty?: number;
}

/** A token and the logarithm of its probability under the softmax of the logits as they came. */
export interface DrawnToken {
  readonly id: number;
  readonly logprob: number;
}

/** What one draw needs beside the logits. */
export interface DrawOptions extends Sampling {
  /** Uniform in [0, 1). */
  readonly u: number;
  /**
   * How many of the V tokens may be drawn, the first ones; all unless told. A vocabulary that was
   * padded to a round number has more logits than the tokenizer has tokens.
   */
  readonly known?: number | undefined;
  /** Distinct tokens of the text so far. */
  readonly seen?: Iterable<number>;
}

/**
 * Draws a token from logits [V]: penalty, temperature, top-k, top-p, in this order. Top-p is the
 * nucleus of Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", section 3.1.
 * Only known tokens are drawn, and the shares of top-p are shares of theirs. The log-probability is
 * normalised over all V logits, as the training loss is: padding tokens have probability as well.
 * @throws {UserError} `numerical` for logits that make no distribution.
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
 * Logits whose seen tokens are divided by the penalty, or multiplied where they are negative, so
 * that a penalty above 1 always lowers them. Source: Keskar et al. 2019, "CTRL", section 4.1, which
 * divides; negative logits as users know them from Hugging Face.
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

/** The index at which the running sum of weights passes a share of `u` of their total. */
function cut(weights: Float64Array, u: number): number {
  let rest = u * weights.reduce((a, b) => a + b, 0);
  const at = weights.findIndex((weight) => (rest -= weight) < 0);
  // Rounding may leave a crumb behind the last token: it is that token's.
  return at >= 0 ? at : weights.findLastIndex((weight) => weight > 0);
}
