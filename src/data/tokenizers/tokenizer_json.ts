/** Validates a tokenizer.json and reads its vocabulary and special tokens. */
import { requireCounts, requireWithin, unreadable } from "./limits.ts";
import type { TokenizerJson } from "./schema.ts";
import { tokenizerJsonSchema } from "./schema.ts";

/** Names of end-of-document tokens, by preference. */
const END_NAMES = ["<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "<|eos|>", "[EOS]"];

/** Validates a tokenizer.json. @throws {UserError} `data` when it is invalid or beyond a limit. */
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

/** The id of unk_token or unk_id; undefined if there is none. */
export function unknownOf(json: TokenizerJson): number | undefined {
  const { unk_token, unk_id } = json.model as { unk_token?: unknown; unk_id?: unknown };
  if (typeof unk_id === "number") return unk_id;
  return vocabOf(json).find(([token]) => token === unk_token)?.[1];
}

/** The end-of-document token: a special token with a usual name; undefined if there is none. */
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
