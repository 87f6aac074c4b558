/** FLOP formulas of causal decoders. */
import { denseFlops, type FlopCount, type FlopSizes } from "./definition.ts";

/** What attention costs: blocks, columns of all heads together, and the longest reach. */
export interface AttentionCost {
  /** L */
  readonly layers: number;
  /** H Q: heads times the width of one. */
  readonly columns: number;
  /** Tokens that a token attends to; null: all before it. */
  readonly window: number | null;
}

/**
 * FLOP of a causal decoder per token: of its parameters, and with attention whole or halved.
 * `counted`: which parameters `all` counts.
 */
export function decoderFlops(
  { layers, columns, window }: AttentionCost,
  { all, time }: Pick<FlopSizes, "all" | "time">,
  counted = "all parameters",
): FlopCount[] {
  const keys = Math.min(time, window ?? time);
  const causal = keys - keys ** 2 / (2 * time);
  const attended = keys < time ? `the ${keys} tokens of a window` : "all T tokens";
  return [
    denseFlops(all, counted),
    {
      formula: "6N + 12LHQT",
      per_token: 6 * all + 12 * layers * columns * keys,
      words: `${counted}, attention to ${attended} (PaLM, appendix B; nanoGPT, which ` +
        "leaves the position table out of N)",
    },
    {
      formula: "6N + 6LCT",
      per_token: 6 * all + 12 * layers * columns * causal,
      words: `${counted}, the causal half of attention (llm.c)`,
    },
  ];
}

/** A notice about a window of attention that is longer than the windows of the data. */
export function windowNotices(window: number | null, time: number): string[] {
  if (window === null || window <= time) return [];
  return [
    `model.attention_window ${window} has no effect: it is longer than a window of ${time} tokens ` +
    "(data.seq_len)",
  ];
}
