/** The likeliest tokens of a row of logits. Pure. */

/** A token and its probability. */
export interface TokenChance {
  readonly id: number;
  readonly probability: number;
}

/** The `count` likeliest tokens, ties by id; probabilities are those of a softmax over all. */
export function likeliest(logits: Float32Array, count: number): TokenChance[] {
  const largest = logits.reduce((most, x) => Math.max(most, x), -Infinity);
  const weights = Float64Array.from(logits, (x) => Math.exp(x - largest));
  const total = weights.reduce((sum, x) => sum + x, 0);
  return Array.from(weights.keys())
    .sort((a, b) => (weights[b] as number) - (weights[a] as number) || a - b)
    .slice(0, count)
    .map((id) => ({ id, probability: (weights[id] as number) / total }));
}
