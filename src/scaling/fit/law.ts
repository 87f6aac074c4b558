/**
 * The law L(N, D) = E + A / N^alpha + B / D^beta and its optimum for a budget of C = 6 N D FLOP.
 * Source: Hoffmann et al., "Training Compute-Optimal Large Language Models" (2022), equations 2 and
 * 4. N parameters, D tokens, L nats per token.
 */

/** The constants of a law. */
export interface Law {
  readonly E: number;
  readonly A: number;
  readonly B: number;
  readonly alpha: number;
  readonly beta: number;
}

/** The compute-optimal allocation of a budget, and its loss. */
export interface Optimum {
  readonly params: number;
  readonly tokens: number;
  /** Tokens per parameter. */
  readonly ratio: number;
  readonly loss: number;
}

/** FLOP per parameter and token: two for each multiply and add, forward once and backward twice. */
export const FLOP_PER_PARAM_TOKEN = 6;

/** Loss of N parameters after D tokens. */
export function lossOf(
  { E, A, B, alpha, beta }: Law,
  { params, tokens }: { readonly params: number; readonly tokens: number },
): number {
  return E + A / params ** alpha + B / tokens ** beta;
}

/** Exponents of the optimum: N grows as C^a, D as C^b; a + b = 1. */
export function exponentsOf({ alpha, beta }: Law): { readonly a: number; readonly b: number } {
  return { a: beta / (alpha + beta), b: alpha / (alpha + beta) };
}

/** The N and D of lowest loss with 6 N D = `flops`. */
export function optimumOf(law: Law, flops: number): Optimum {
  const { A, B, alpha, beta } = law;
  const scale = (alpha * A / (beta * B)) ** (1 / (alpha + beta));
  const pairs = flops / FLOP_PER_PARAM_TOKEN;
  const params = scale * pairs ** exponentsOf(law).a;
  const tokens = pairs / params;
  return { params, tokens, ratio: tokens / params, loss: lossOf(law, { params, tokens }) };
}
