/** Published constants and costs with sources, for comparison only. */
import { FLOP_PER_PARAM_TOKEN, type Law } from "./law.ts";

/** A published law. */
export interface PublishedLaw extends Law {
  readonly name: string;
  readonly source: string;
}

/** Constants of L(N, D); N counts all parameters, D tokens of MassiveText. */
export const LAWS: readonly PublishedLaw[] = [
  {
    name: "Hoffmann et al., as printed",
    source: "Hoffmann et al. (2022), appendix D.3, equation 10",
    E: 1.69,
    A: 406.4,
    B: 410.7,
    alpha: 0.34,
    beta: 0.28,
  },
  {
    name: "Hoffmann et al., unrounded",
    source: "Hoffmann et al. (2022), TeX source, by Besiroglu et al. (2024)",
    E: Math.exp(0.5267228),
    A: Math.exp(6.0073404),
    B: Math.exp(6.0179186),
    alpha: 0.33917084,
    beta: 0.2849083,
  },
  {
    name: "Besiroglu et al., refitted",
    source: "Besiroglu et al., Chinchilla Scaling: A Replication Attempt (2024)",
    E: 1.81686,
    A: 482.00572,
    B: 2085.4342,
    alpha: 0.34781,
    beta: 0.36585,
  },
];

/** Laws of Kaplan et al. (2020), (scale / X)^alpha; N without embeddings, tokens of WebText2. */
export const KAPLAN = {
  params: { E: 0, log10_scale: Math.log10(8.8e13), alpha: 0.076 },
  tokens: { E: 0, log10_scale: Math.log10(5.4e13), alpha: 0.095 },
} as const;

/** Training cost of a known model. */
export interface PublishedCost {
  readonly model: string;
  readonly params: number;
  /** Tokens of one pass over its data. */
  readonly tokens: number;
  /** Epochs, if published. */
  readonly passes: number | null;
  /** 6 N D of all passes, or of one if their number is unpublished. */
  readonly flops_6nd: number;
  /** The commonly quoted figure. */
  readonly published: number;
  /** Passes at which 6 N D equals that figure. */
  readonly implied_passes: number;
  readonly source: string;
}

/** Recomputed costs and the quoted figures. */
export const COSTS: readonly PublishedCost[] = [
  costOf({
    model: "GPT-1",
    params: 117e6,
    // 985 million words at 4/3 tokens a word.
    tokens: 985e6 * 4 / 3,
    passes: 100,
    published: 1.7e19,
    source:
      "N and 100 passes: Radford et al. (2018); 985M words of BooksCorpus: Zhu et al. (2015), " +
      "at 4/3 tokens a word",
  }),
  costOf({
    model: "GPT-2",
    params: 1.542e9,
    // 40 GB at 4 bytes a token.
    tokens: 40e9 / 4,
    passes: null,
    published: 1.5e21,
    source: "N and 40 GB of WebText: Radford et al. (2019), at 4 bytes a token; passes unpublished",
  }),
  costOf({
    model: "GPT-3",
    params: 174.6e9,
    tokens: 300e9,
    passes: 1,
    published: 3.1e23,
    source: "N and 300G tokens in all: Brown et al. (2020), table D.1",
  }),
];

function costOf(known: Omit<PublishedCost, "flops_6nd" | "implied_passes">): PublishedCost {
  const { params, tokens, passes, published, source, model } = known;
  const once = FLOP_PER_PARAM_TOKEN * params * tokens;
  return {
    model,
    params,
    tokens,
    passes,
    flops_6nd: once * (passes ?? 1),
    published,
    implied_passes: published / once,
    source,
  };
}
