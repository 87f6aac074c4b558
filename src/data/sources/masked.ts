/**
 * Masked text: some tokens of a window are hidden or exchanged, and the model tells which they were
 * (Devlin et al. 2018, section 3.1 and appendix A.1). T tokens a window, V tokens in all, the mask
 * included.
 */
import { IGNORE } from "../../base/ignore.ts";
import { foldName, type Key, threefry } from "../../base/random.ts";
import { UserError } from "../../base/user_error.ts";
import { permute } from "../permutation.ts";
import type { DataConfig } from "../schema.ts";
import type { TokenBatch } from "../source.ts";
import { tokenTensors } from "../token_tensors.ts";
import { MASK_TOKEN } from "../tokenizers/special/special.ts";
import type { SourceMaker } from "./maker.ts";
import { below, firstNumber, numberKey } from "./numbers.ts";
import { windowSource } from "./windows.ts";

/** Of the chosen tokens, those that become the mask, and those that become any token. */
const [HIDDEN, EXCHANGED] = [0.8, 0.1];

/** Shuffled windows in which a fixed number of tokens is chosen; their targets are those tokens. */
export const maskedText: SourceMaker = {
  needsText: true,
  needsTokenizer: true,
  specialTokens: [MASK_TOKEN],
  // Only whole windows are evaluated.
  leastEvaluated: ({ seq_len: window }) => window + 1,
  task: (config, vocabulary) => ({
    time: config.seq_len,
    vocabulary,
    classes: vocabulary,
    targetKind: "token_class",
    tensors: tokenTensors({ time: config.seq_len, targetKind: "token_class" }),
    countedPerWindow: chosenPerWindow(config),
    carries: false,
  }),
  make(config, input) {
    const windows = windowSource(config, input, { whole: true });
    const mask = input.tokenizer?.special?.(MASK_TOKEN);
    if (mask === undefined) {
      throw new UserError("config", "Cannot mask a text: need a tokenizer with a token [MASK]");
    }
    const hide = {
      mask,
      vocabulary: input.vocabulary ?? 0,
      time: config.seq_len,
      chosen: chosenPerWindow(config),
    };
    const trainKey = foldName(input.key, "masks");
    const evalKey = foldName(input.key, "evaluation masks");
    return {
      ...windows,
      train: (at) =>
        hidden(windows.train(at), { ...hide, key: trainKey, first: firstNumber(at, input) }),
      evaluation(sequence) {
        const first = sequence * input.windows;
        return Array.from(
          windows.evaluation(sequence),
          (batch) => hidden(batch, { ...hide, key: evalKey, first }),
        );
      },
    };
  },
};

/** Tokens of a window that are chosen: data.mask_share of them, and one at least. */
function chosenPerWindow({ seq_len: window, mask_share: share }: DataConfig): number {
  return Math.max(1, Math.round(window * share));
}

/** How windows are hidden. */
interface Hiding {
  readonly key: Key;
  /** Number of the first window. */
  readonly first: number;
  readonly mask: number;
  /** V */
  readonly vocabulary: number;
  /** T */
  readonly time: number;
  /** Tokens of a window that are chosen. */
  readonly chosen: number;
}

/** A batch of windows with chosen tokens hidden; rows that fill it up stay without targets. */
function hidden(
  { tensors, fresh }: TokenBatch,
  { key, first, mask, vocabulary, time, chosen }: Hiding,
): TokenBatch {
  const tokens = tensors.tokens.slice();
  const targets = new Uint32Array(tokens.length).fill(IGNORE);
  let counted = 0;
  for (let row = 0; row * time < tokens.length; row++) {
    const start = row * time;
    if (tensors.targets[start + time - 1] === IGNORE) continue;
    const own = numberKey(key, first + row);
    for (let i = 0; i < chosen; i++) {
      // A permutation of the window gives distinct places.
      const at = start + permute(own, time, i);
      targets[at] = tokens[at] as number;
      const [what, which] = threefry(own, i, 1);
      const share = what * 2 ** -32;
      if (share < HIDDEN) tokens[at] = mask;
      else if (share < HIDDEN + EXCHANGED) tokens[at] = below(vocabulary, which);
    }
    counted += chosen;
  }
  return { tensors: { tokens, targets }, counted, fresh };
}
