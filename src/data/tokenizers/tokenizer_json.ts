/** What a tokenizer.json says, whichever tokenizer it describes. Encodes nothing. */
import { requireCounts, requireWithin, unreadable } from "./limits.ts";
import type { TokenizerJson } from "./schema.ts";
import { tokenizerJsonSchema } from "./schema.ts";

/** Names under which vocabularies have the token that ends a document, the usual ones first. */
const END_NAMES = ["<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "<|eos|>", "[EOS]"];

/** Checks a tokenizer.json. @throws {Refusal} `data` for what is none. */
export function readTokenizerJson(value: unknown): TokenizerJson {
  requireCounts(value);
  const result = tokenizerJsonSchema.safeParse(value);
  if (!result.success) {
    const [issue] = result.error.issues;
    const place = issue?.path.join(".") || "its top";
    throw unreadable(`need another value at ${place}: ${issue?.message}`);
  }
  requireWithin(result.data, vocabOf(result.data));
  return result.data;
}

/** The tokens of the model and their ids. */
export function vocabOf({ model }: TokenizerJson): [string, number][] {
  return Array.isArray(model.vocab)
    ? model.vocab.map(([token], id) => [token, id])
    : Object.entries(model.vocab);
}

/** One more than the largest id. */
export function vocabularySizeOf(json: TokenizerJson): number {
  let size = 0;
  for (const [, id] of vocabOf(json)) size = Math.max(size, id + 1);
  for (const { id } of json.added_tokens) size = Math.max(size, id + 1);
  return size;
}

/** The token of what has no other, by its name or its number; undefined where there is none. */
export function unknownOf(json: TokenizerJson): number | undefined {
  const { unk_token, unk_id } = json.model as { unk_token?: unknown; unk_id?: unknown };
  if (typeof unk_id === "number") return unk_id;
  return vocabOf(json).find(([token]) => token === unk_token)?.[1];
}

/** The token that ends a document: a special one by one of the usual names. */
export function endTokenOf(
  { added_tokens }: TokenizerJson,
): { id: number; content: string } | undefined {
  const special = added_tokens.filter((token) => token.special);
  for (const name of END_NAMES) {
    const found = special.find(({ content }) => content === name);
    if (found !== undefined) return found;
  }
  return undefined;
}
