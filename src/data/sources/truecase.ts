/**
 * Giving a text its capitals back: each character is read in lower case and asked whether it was a
 * capital (truecasing: Lita, Ittycheriah, Roukos and Kambhatla 2003). Windows are those of text.
 */
import { UserError } from "../../base/user_error.ts";
import { IGNORE } from "../../base/ignore.ts";
import type { Batch } from "../source.ts";
import type { Tokenizer } from "../tokenizers/types.ts";
import type { SourceMaker } from "./maker.ts";
import { windowSource } from "./windows.ts";

/** Shuffled windows in lower case, asked at each position: 1 for a capital, else 0. */
export const truecase: SourceMaker = {
  needsText: true,
  needsTokenizer: true,
  task: ({ seq_len: window }, characters) => ({
    time: window,
    vocabulary: characters,
    classes: 2,
    targetKind: "each",
    countedPerWindow: window,
    carries: false,
    documents: false,
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

/** What is read and asked in place of each token. */
interface Cases {
  /** The token of its lower case; itself where the text has none. */
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

function lowered(batch: Batch, { lower, capital }: Cases): Batch {
  const { inputs, targets } = batch;
  return {
    ...batch,
    inputs: inputs.map((token) => lower[token] as number),
    // Rows that fill a batch up stay uncounted.
    targets: targets.map((next, i) =>
      next === IGNORE ? IGNORE : capital[inputs[i] as number] as number
    ),
  };
}
