/**
 * Maximal update parametrisation (muP): scales of initialisation, learning rates and logits of a
 * transformer from the ratio of its width to a base model's, so that learning rates tuned on the
 * base transfer. At the base's width it is the standard parametrisation. Source: Yang, Hu, et al.,
 * "Tensor Programs V" (2022), table 8, for Adam; definition 4.1 for attention.
 */

/** Sizes of a model and its base; a null base selects the standard parametrisation. */
export interface WidthSizes {
  readonly width: number;
  readonly heads: number;
  readonly mup_base_width: number | null;
  /** Null: the model's own number of heads. */
  readonly mup_base_heads: number | null;
}

/** Factors that depend on the width. Embeddings, the head's init, gains and biases have none. */
export interface WidthFactors {
  /** Factor of the initial standard deviation of hidden matrices (variance ~ 1 / fan-in). */
  readonly std: number;
  /** Factor of the learning rate of hidden matrices. */
  readonly lrScale: number;
  /** Factor of the logits. */
  readonly logits: number;
  /** Divisor of attention scores; undefined: sqrt(d), d the width of a head. */
  readonly divisor: number | undefined;
}

/**
 * The factors of a model. The fan-in of every hidden matrix is proportional to the width, so all
 * share one ratio. The divisor of scores is d / sqrt(d of the base), which is sqrt(d) at the base's
 * d.
 */
export function widthFactors(sizes: WidthSizes): WidthFactors {
  const { width, heads, mup_base_width: base, mup_base_heads } = sizes;
  if (base === null) return { std: 1, lrScale: 1, logits: 1, divisor: undefined };
  const ratio = base / width;
  const [own, theirs] = [width / heads, base / (mup_base_heads ?? heads)];
  const divisor = own === theirs ? undefined : own / Math.sqrt(theirs);
  return { std: Math.sqrt(ratio), lrScale: ratio, logits: ratio, divisor };
}
