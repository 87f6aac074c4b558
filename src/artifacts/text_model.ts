/** Checks that a stored model can continue a text, and encodes what it begins with. */
import { UserError } from "../base/user_error.ts";
import type { Tokenizer } from "../data/tokenizers/types.ts";
import { modelOf } from "../models/mod.ts";
import type { OpenedModel } from "./model.ts";

/** The tokenizer of a model that continues texts. @throws {UserError} for any other, by name. */
export function textTokenizer(
  { path, model, targetKind, tokenizer, classes, vocabulary }: Pick<
    OpenedModel,
    "path" | "model" | "targetKind" | "tokenizer" | "classes" | "vocabulary"
  >,
): Tokenizer {
  const refuse = (need: string, actual: string): never => {
    throw new UserError("config", `Cannot generate from ${path}: need ${need}: ${actual}`);
  };
  if (tokenizer === undefined) return refuse("a model of text", "it has no tokenizer");
  if (targetKind !== "next_token" || classes !== vocabulary) {
    refuse("a model of the next token", `it tells ${classes} classes apart`);
  }
  const generation = modelOf(model).generates?.(model) ?? "it tells no next token";
  if (typeof generation === "string") refuse("a model that reads forward only", generation);
  // More logits than tokens are a vocabulary that was filled up to a round number.
  if (tokenizer.size > vocabulary) {
    refuse("a logit for each token", `${tokenizer.size} tokens, ${vocabulary} logits`);
  }
  return tokenizer;
}

/**
 * Tokens that a text begins with: those of the prompt, or the token that ends documents.
 * @throws {UserError} `config` for an empty prompt where there is no such token.
 */
export function promptTokens(
  prompt: string,
  tokenizer: Pick<Tokenizer, "encode" | "end">,
): Uint32Array {
  const tokens = tokenizer.encode(prompt);
  if (tokens.length > 0) return tokens;
  if (tokenizer.end !== undefined) return Uint32Array.of(tokenizer.end);
  throw new UserError(
    "config",
    `Cannot begin a text: need a prompt, as --prompt="Once", for the tokenizer has no token ` +
      "that documents begin behind: the prompt is empty",
  );
}
