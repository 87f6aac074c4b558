/** Parts of a text and the windows that fit in them. Knows neither shuffling nor batches. */
import { Refusal } from "../base/refusal.ts";
import type { DataConfig } from "./schema.ts";

/** The two parts of a text, as views of its tokens. */
export interface Parts {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
}

/**
 * Cuts tokens in two: the head is for training, the tail of floor(n * validation) tokens for
 * evaluation. Windows are cut inside a part, so none crosses. Refuses a text in which a part
 * holds no window (window + 1 tokens, since targets are shifted by one).
 */
export function split(
  tokens: Uint32Array,
  { window, validation }: Pick<DataConfig, "window" | "stride" | "validation">,
): Parts {
  const tail = Math.floor(tokens.length * validation);
  const head = tokens.length - tail;
  if (Math.min(head, tail) < window + 1) {
    throw new Refusal(
      "data",
      `Cannot cut windows of ${window} tokens: need ${
        tokensNeeded(window, validation)
      } tokens, so that training and validation hold one each: the text has ${tokens.length}`,
    );
  }
  return { train: tokens.subarray(0, head), validation: tokens.subarray(head) };
}

/** Shortest text with a window in each part; the tail, at most half, is the part that decides. */
function tokensNeeded(window: number, validation: number): number {
  let n = Math.max(0, Math.ceil((window + 1) / validation) - 2);
  while (Math.floor(n * validation) < window + 1) n++;
  return n;
}

/** Number of starts k * stride at which `window` tokens and one more fit into `nTokens`. */
export function windowCount(nTokens: number, window: number, stride: number): number {
  return nTokens < window + 1 ? 0 : Math.floor((nTokens - window - 1) / stride) + 1;
}
