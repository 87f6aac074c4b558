/** What a tokenizer.json says, whichever tokenizer it describes. Encodes nothing. */
import { Refusal } from "../../base/refusal.ts";
import type { TokenizerJson } from "./schema.ts";
import { tokenizerJsonSchema } from "./schema.ts";

/** Names under which vocabularies have the token that ends a document, the usual ones first. */
const END_NAMES = ["<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "<|eos|>", "[EOS]"];

/** Most levels of parts within parts, each of which is an object in a list. */
const DEEPEST = 64;

/** Most tokens that a vocabulary may have. */
const LARGEST = 2 ** 24;

/** Checks a tokenizer.json. @throws {Refusal} `data` for what is none. */
export function readTokenizerJson(value: unknown): TokenizerJson {
  const result = tokenizerJsonSchema.safeParse(value);
  if (!result.success) {
    const [issue] = result.error.issues;
    const place = issue?.path.join(".") || "its top";
    throw unreadable(`need another value at ${place}: ${issue?.message}`);
  }
  const { normalizer, pre_tokenizer, decoder } = result.data;
  if (isDeeper([normalizer, pre_tokenizer, decoder], DEEPEST)) {
    throw unreadable(`need parts within parts ${DEEPEST} deep at most: they go deeper`);
  }
  const size = sizeOf(result.data);
  if (size > 0 && size <= LARGEST) return result.data;
  throw unreadable(`need ids of 1 to ${LARGEST} tokens: the largest is ${size - 1}`);
}

/** Whether values lie within values deeper than that: reading them by recursion takes a stack. */
function isDeeper(value: unknown, depth: number): boolean {
  let level: unknown[] = [value];
  for (let d = 0; d <= depth; d++) {
    level = level.filter((part) => typeof part === "object" && part !== null)
      .flatMap((part) => Object.values(part as object));
    if (level.length === 0) return false;
  }
  return true;
}

/** The refusal of a tokenizer.json. */
export function unreadable(why: string): Refusal {
  return new Refusal("data", `Cannot read a tokenizer.json: ${why}`);
}

/** The tokens of the model and their ids. */
export function vocabOf({ model }: TokenizerJson): [string, number][] {
  return Array.isArray(model.vocab)
    ? model.vocab.map(([token], id) => [token, id])
    : Object.entries(model.vocab);
}

/** One more than the largest id. */
export function sizeOf(json: TokenizerJson): number {
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
export function endOf(
  { added_tokens }: TokenizerJson,
): { id: number; content: string } | undefined {
  const special = added_tokens.filter((token) => token.special);
  for (const name of END_NAMES) {
    const found = special.find(({ content }) => content === name);
    if (found !== undefined) return found;
  }
  return undefined;
}
