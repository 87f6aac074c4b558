/** A text in the two parts that a run reads. Knows neither windows nor where tokens lie. */
import { type Tokens, tokensIn } from "./tokens.ts";

/** Tokens to train on and tokens to evaluate on; no token is in both. */
export interface Text {
  /** How evaluations name it. */
  readonly name: string;
  /** Its part of the training windows, relative to the other texts'. */
  readonly weight: number;
  readonly train: Tokens;
  readonly validation: Tokens;
}

/** A text in memory. */
export function textIn(
  parts: { readonly train: Uint32Array; readonly validation: Uint32Array },
  { name = "text", weight = 1 }: { name?: string; weight?: number } = {},
): Text {
  return {
    name,
    weight,
    train: tokensIn(parts.train),
    validation: tokensIn(parts.validation),
  };
}
