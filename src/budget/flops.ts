/**
 * FLOP of training per token by the formulas that people compare by, forward and backward together:
 * 2 for the multiply-add of each weight forwards, 4 backwards. N parameters, L layers, H heads,
 * Q features of a head, C = HQ width, T tokens of a window.
 */
import type { ModelConfig } from "../models/mod.ts";
import type { Counts } from "./counts.ts";

/** Name of a formula. */
export type FlopFormula = "6N" | "6N + 12LHQT" | "6N + 6LCT" | "6N_matrices";

/** FLOP per token by a formula, and where it comes from. */
export interface FlopCount {
  readonly formula: FlopFormula;
  readonly per_token: number;
  readonly words: string;
}

const WORDS: Readonly<Record<FlopFormula, string>> = {
  "6N": "all parameters, nothing for attention (Hoffmann et al. 2022, appendix F: C = 6ND)",
  "6N + 12LHQT": "all parameters, attention to all T tokens (PaLM, appendix B; nanoGPT, which " +
    "leaves the position table out of N)",
  "6N + 6LCT": "all parameters, the causal half of attention (llm.c)",
  "6N_matrices": "recurrent matrices alone: no head, which costs 6VD more, and no table",
};

/** FLOP per token of a model with `counts`, by every formula for its kind; `6N` comes first. */
export function flopsPerToken(
  counts: Pick<Counts, "all" | "matrices">,
  { model, time }: { readonly model: ModelConfig; readonly time: number },
): readonly FlopCount[] {
  const count = (formula: FlopFormula, perToken: number): FlopCount => ({
    formula,
    per_token: perToken,
    words: WORDS[formula],
  });
  const dense = 6 * counts.all;
  if (model.kind === "recurrent") {
    return [count("6N", dense), count("6N_matrices", 6 * counts.matrices)];
  }
  const attended = model.layers * model.width * time;
  return [
    count("6N", dense),
    count("6N + 12LHQT", dense + 12 * attended),
    count("6N + 6LCT", dense + 6 * attended),
  ];
}
