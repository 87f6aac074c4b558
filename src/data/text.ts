/** A text, split into training and validation tokens. */
import { type Tokens, tokensIn } from "./tokens.ts";

/** Training and validation tokens of a text, disjoint. */
export interface Text {
  /** Name in evaluations. */
  readonly name: string;
  /** Sampling weight, relative to the other texts. */
  readonly weight: number;
  /** Tokens to train on. */
  readonly train: Tokens;
  /** Tokens to validate on. */
  readonly validation: Tokens;
}

/** Positions of document starts in each part. */
export interface DocumentStarts {
  readonly train: ArrayLike<number>;
  readonly validation: ArrayLike<number>;
}

/** A text in memory. */
export function textIn(
  parts: { readonly train: Uint32Array; readonly validation: Uint32Array },
  { name = "text", weight = 1, begins }: {
    name?: string;
    weight?: number;
    begins?: DocumentStarts | undefined;
  } = {},
): Text {
  return {
    name,
    weight,
    train: tokensIn(parts.train, begins?.train),
    validation: tokensIn(parts.validation, begins?.validation),
  };
}
