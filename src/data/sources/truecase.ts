/**
 * Truecasing as token classification: inputs are lower-case characters, labels say which were
 * capitals (Lita, Ittycheriah, Roukos and Kambhatla 2003).
 */
import { UserError } from "../../base/user_error.ts";
import { IGNORE } from "../../base/ignore.ts";
import type { TokenBatch } from "../source.ts";
import { tokenTensors } from "../token_tensors.ts";
import type { Tokenizer } from "../tokenizers/types.ts";
import type { SourceMaker } from "./maker.ts";
import { windowSource } from "./windows.ts";

/** Shuffled windows in lower case; label 1 for a capital, else 0, at each position. */
export const truecase: SourceMaker = {
  needsText: true,
  needsTokenizer: true,
  slides: true,
  task: ({ seq_len: window }, vocabulary) => ({
    time: window,
    vocabulary,
    classes: 2,
    targetKind: "token_class",
    tensors: tokenTensors({ time: window, targetKind: "token_class" }),
    countedPerWindow: window,
    carries: false,
  }),
  make(config, input) {
    const cases = casesOf(input.tokenizer);
    const windows = windowSource(config, input);
    return {
      ...windows,
      train: (at) => lowered(windows.train(at), cases),
      evaluation: (sequence) =>
        Array.from(windows.evaluation(sequence), (batch) => lowered(batch, cases)),
    };
  },
};

/** Input and label for each token. */
interface Cases {
  /** Token of the lower-case character; the token itself if there is none. */
  readonly lower: Uint32Array;
  /** 1 for a capital, else 0. */
  readonly capital: Uint32Array;
}

function casesOf(tokenizer: Tokenizer | undefined): Cases {
  const spec = tokenizer?.toJSON();
  if (spec?.kind !== "char") {
    throw new UserError(
      "config",
      `Cannot tell capitals: need the tokenizer char, whose tokens have a case: ${
        spec?.kind ?? "none"
      }`,
    );
  }
  const chars = Array.from(spec.chars);
  const ids = new Map(chars.map((char, id) => [char, id]));
  return {
    lower: Uint32Array.from(chars, (char, id) => ids.get(char.toLowerCase()) ?? id),
    capital: Uint32Array.from(chars, (char) => char === char.toLowerCase() ? 0 : 1),
  };
}

function lowered(batch: TokenBatch, { lower, capital }: Cases): TokenBatch {
  const { tokens, targets } = batch.tensors;
  return {
    ...batch,
    tensors: {
      tokens: tokens.map((token) => lower[token] as number),
      // Padding rows stay uncounted.
      targets: targets.map((next, i) =>
        next === IGNORE ? IGNORE : capital[tokens[i] as number] as number
      ),
    },
  };
}
