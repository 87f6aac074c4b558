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

/** Places at which documents begin in each part. */
export interface Begins {
  readonly train: ArrayLike<number>;
  readonly validation: ArrayLike<number>;
}

/** A text in memory. */
export function textIn(
  parts: { readonly train: Uint32Array; readonly validation: Uint32Array },
  { name = "text", weight = 1, begins }: {
    name?: string;
    weight?: number;
    begins?: Begins | undefined;
  } = {},
): Text {
  return {
    name,
    weight,
    train: tokensIn(parts.train, begins?.train),
    validation: tokensIn(parts.validation, begins?.validation),
  };
}
