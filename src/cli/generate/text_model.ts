/** Checks that a stored model can continue a text. */
import { UserError } from "../../base/user_error.ts";
import type { Tokenizer } from "../../data/tokenizers/types.ts";
import { modelOf } from "../../models/mod.ts";
import type { OpenedModel } from "../../artifacts/model.ts";

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
