/** Reads a prompt as the tokens of a model, with a text for each token. Pure. */
import { UserError } from "../base/user_error.ts";
import { sourceMakerOf } from "../data/sources/mod.ts";
import { MASK_TOKEN } from "../data/tokenizers/special/special.ts";
import type { Tokenizer } from "../data/tokenizers/types.ts";
import { maskedTokens } from "./masked_tokens.ts";
import type { OpenedModel } from "./model.ts";

/** Tokens, and what they and others are called. */
export interface PromptWords {
  readonly tokens: Uint32Array;
  /** Of a model of pairs: the source, whose target the tokens are. */
  readonly source?: Uint32Array;
  /** The text of a token. */
  readonly textOf: (id: number) => string;
  /** The text of a class that the model tells; undefined where classes are no tokens. */
  readonly classOf: ((id: number) => string) | undefined;
  /** Index of the token in whose place the model is asked; the last one unless it is hidden. */
  readonly asked: number;
}

/**
 * The tokens of a prompt: by the tokenizer, or by the words of a synthetic source.
 * @throws {UserError} `config` for a prompt without tokens, or with words that the source lacks.
 */
export function promptWords(prompt: string, opened: OpenedModel): PromptWords {
  const { path, tokenizer, config, classes, vocabulary } = opened;
  const found = tokenizer === undefined
    ? sourceWords(prompt, config && sourceMakerOf(config.data).tokenNames?.(config.data), path)
    : tokenWords(prompt, tokenizer, classes === vocabulary);
  const { context } = opened;
  const { length } = found.tokens;
  if (length > 0 && length <= context) return found;
  throw new UserError(
    "config",
    `Cannot read the prompt: need 1 to ${context} tokens, the model's window: it has ${length}`,
  );
}

function tokenWords(prompt: string, tokenizer: Tokenizer, tellsTokens: boolean): PromptWords {
  const mask = tokenizer.special?.(MASK_TOKEN);
  const { tokens, hidden } = mask === undefined
    ? { tokens: tokenizer.encode(prompt), hidden: [] }
    : maskedTokens(prompt, { tokenizer, mask });
  const textOf = (id: number) => id === mask ? MASK_TOKEN : tokenizer.decode([id]);
  return {
    tokens,
    textOf,
    // A padded vocabulary has ids without a token.
    classOf: tellsTokens ? (id) => id < tokenizer.size ? textOf(id) : "" : undefined,
    asked: hidden.at(0) ?? tokens.length - 1,
  };
}

function sourceWords(
  prompt: string,
  names: readonly string[] | undefined,
  path: string,
): PromptWords {
  if (names === undefined) {
    throw new UserError("config", `Cannot read the prompt: need a model of text: ${path} has none`);
  }
  const words = prompt.split(/\s+/).filter((word) => word !== "");
  const unknown = words.find((word) => !names.includes(word));
  if (unknown !== undefined) {
    throw new UserError(
      "config",
      `Cannot read the prompt: need words of ${names.join(" ")}: ${JSON.stringify(unknown)}`,
    );
  }
  const textOf = (id: number) => names[id] ?? "";
  return {
    tokens: Uint32Array.from(words, (word) => names.indexOf(word)),
    textOf,
    classOf: textOf,
    asked: words.length - 1,
  };
}
