/** Splits tokens into training and validation parts, and counts windows. */
import { UserError } from "../base/user_error.ts";
import type { DataConfig } from "./schema.ts";

/** Training and validation parts, as views of the tokens. */
export interface Parts {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
}

/**
 * Splits tokens: the tail of floor(n * validation) tokens is for evaluation, the head for training.
 * No window crosses the split. @throws {UserError} `data` when the head is shorter than a window
 * (window + 1 tokens, since targets are shifted by one), or the tail than `least` tokens.
 */
export function split(
  tokens: Uint32Array,
  { seq_len: window, validation, least = 2 }:
    & Pick<DataConfig, "seq_len" | "stride" | "validation">
    & {
      readonly least?: number;
    },
): Parts {
  const tail = tailOf(tokens.length, validation);
  const head = tokens.length - tail;
  if (head < window + 1 || tail < least) {
    let needed = Math.max(window + 1, Math.ceil(least / validation) - 2);
    while (
      needed - tailOf(needed, validation) < window + 1 || tailOf(needed, validation) < least
    ) needed++;
    throw new UserError(
      "data",
      `Cannot cut windows of ${window} tokens: need ${needed} tokens, so that training holds one ` +
        `and validation (data.validation) has ${least} tokens: the text has ${tokens.length}`,
    );
  }
  return { train: tokens.subarray(0, head), validation: tokens.subarray(head) };
}

function tailOf(tokens: number, validation: number): number {
  return Math.floor(tokens * validation);
}

/** Number of starts k * stride at which `window` tokens and one more fit into `nTokens`. */
export function windowCount(nTokens: number, window: number, stride: number): number {
  return nTokens < window + 1 ? 0 : Math.floor((nTokens - window - 1) / stride) + 1;
}
