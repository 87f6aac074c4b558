/**
 * Width transfer (muP): how first values, rates and multipliers of a transformer follow from its
 * width beside that of a base model, so that rates tuned on the base hold for it. At the base's
 * width it is the standard model. Source: Yang, Hu, et al., "Tensor Programs V" (2022), table 8,
 * for Adam; definition 4.1 for attention. It knows no tensor.
 */

/** Sizes of a model and of its base; a null base is the standard parametrisation. */
export interface WidthSizes {
  readonly width: number;
  readonly heads: number;
  readonly mup_base_width: number | null;
  /** Null is as many heads as the model's own. */
  readonly mup_base_heads: number | null;
}

/** What the width changes. Embeddings, the head's values, gains and biases stay as they are. */
export interface WidthFactors {
  /** Of the standard deviation with which hidden matrices begin: variance 1 / fan-in. */
  readonly std: number;
  /** Of the learning rate of hidden matrices. */
  readonly lrScale: number;
  /** Of the logits. */
  readonly logits: number;
  /** What scores of attention are divided by; undefined is the root of a head's width d. */
  readonly divisor: number | undefined;
}

/**
 * The factors of a model. Every hidden matrix has a fan-in that is a multiple of the width, so one
 * ratio serves all. Scores are divided by d / sqrt(d of the base): by sqrt(d) where d is the base's.
 */
export function widthFactors(sizes: WidthSizes): WidthFactors {
  const { width, heads, mup_base_width: base, mup_base_heads } = sizes;
  if (base === null) return { std: 1, lrScale: 1, logits: 1, divisor: undefined };
  const ratio = base / width;
  const [own, theirs] = [width / heads, base / (mup_base_heads ?? heads)];
  const divisor = own === theirs ? undefined : own / Math.sqrt(theirs);
  return { std: Math.sqrt(ratio), lrScale: ratio, logits: ratio, divisor };
}
