/** What a run's data is held to: an existing model, checkpoint or tokenizer. */
import { UserError } from "../base/user_error.ts";
import type { DataConfig } from "../data/schema.ts";
import type { Prepared } from "../data/prepared/open.ts";
import { sourceMakerOf } from "../data/sources/mod.ts";
import { tokenizerHash } from "../data/tokenizers/mod.ts";
import { withoutSpecialTokens, withSpecialTokens } from "../data/tokenizers/special/special.ts";
import type { Tokenizer } from "../data/tokenizers/types.ts";
import type { Corpus } from "./corpus.ts";
import { requireTokenizer } from "./tokenizer.ts";

/** Data of a run. */
export interface Data {
  readonly corpus: Corpus;
  /** SHA-256 of the text, of the prepared tokens, or of the synthetic source. */
  readonly hash: string;
  /** Notices for the user. */
  readonly notes: readonly string[];
}

/** Constraints from an existing model or checkpoint, known before any text is read. */
export interface Settled {
  /** Origin of the constraints in errors: `the checkpoint`. */
  readonly by: string;
  readonly tokenizer: Tokenizer | undefined;
  /** Vocabulary of the model; default: the tokenizer's size. */
  readonly vocabulary?: number | undefined;
  /** Required data hash of a resumed run. */
  readonly hash?: string | undefined;
  /** Evaluation only: a text of a single document is allowed. */
  readonly evaluates?: boolean;
}

/** Verifies the data hash before the data is processed; `what`: its name in the error. */
export function requireHash(
  hash: string,
  settled: Settled | undefined,
  what = "the text",
): void {
  if (settled?.hash === undefined || settled.hash === hash) return;
  throw new UserError(
    "incompatible",
    `Cannot go on with ${settled.by}: ${what} (data.path) must be the one that was trained on: ` +
      `its SHA-256 is ${hash}, the checkpoint's ${settled.hash}`,
  );
}

/** The tokenizer with the tokens that the source of a config adds. */
export function withSourceTokens(tokenizer: Tokenizer, data: DataConfig): Tokenizer {
  return withSpecialTokens(tokenizer, sourceMakerOf(data).specialTokens ?? []);
}

/** Hash of a tokenizer as folders record it: without tokens that a source adds. */
export function plainHash(tokenizer: Tokenizer): string {
  return tokenizerHash(withoutSpecialTokens(tokenizer));
}

/** Verifies that the existing tokenizer of a model or folder is the configured one. */
export async function holdToAsked(
  { tokenizer: wanted }: DataConfig,
  { settled, first }: { settled: Settled | undefined; first?: Prepared },
): Promise<void> {
  // A resumed run keeps its tokenizer; its config is verified elsewhere.
  if (wanted === null || settled?.hash !== undefined) return;
  if (first !== undefined) {
    const { path: by, tokenizerHash: hash, tokenizerName: name } = first;
    await requireTokenizer(wanted, { by, hash, name });
  } else if (settled?.tokenizer !== undefined) {
    await requireTokenizer(wanted, { by: settled.by, hash: plainHash(settled.tokenizer) });
  }
}

/** The texts with their tokenizer. @throws {UserError} `incompatible` for more tokens than the model has. */
export function corpusOf(
  { texts, tokenizer, settled }: Pick<Corpus, "texts"> & {
    tokenizer: Tokenizer;
    settled: Settled | undefined;
  },
): Corpus {
  const vocabulary = settled?.vocabulary ?? tokenizer.size;
  if (tokenizer.size > vocabulary) {
    throw new UserError(
      "incompatible",
      `Cannot use the tokenizer: need at most the model's ${vocabulary} tokens: it has ${tokenizer.size}`,
    );
  }
  return { texts, vocabulary, tokenizer };
}
