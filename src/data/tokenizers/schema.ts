/** The schema of a tokenizer.json, as far as it is read here. */
import * as z from "zod";

/** Tokens with their ids, or in order of id with their scores. */
type Vocab = Readonly<Record<string, number>> | readonly (readonly [string, number])[];
/** A merge: "a b" or ["a", "b"]. */
type Merge = string | readonly [string, string];

// Checked by hand: zod would copy these long lists, drop the token `__proto__`, and report every
// fault.
function isVocab(value: unknown): boolean {
  if (Array.isArray(value)) {
    return value.every((entry) =>
      Array.isArray(entry) && entry.length === 2 && typeof entry[0] === "string" &&
      Number.isFinite(entry[1])
    );
  }
  return typeof value === "object" && value !== null &&
    Object.values(value).every((id) => Number.isSafeInteger(id) && id >= 0);
}

function isMerge(value: unknown): boolean {
  return typeof value === "string" ||
    Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === "string");
}

const typed = z.looseObject({ type: z.string() });

/** A token outside the model. */
const addedTokenSchema = z.looseObject({
  id: z.int().min(0),
  content: z.string().min(1),
  /** Whether it is a control token rather than text. */
  special: z.boolean().default(false),
});

/** A tokenizer.json of Hugging Face's library `tokenizers`. */
export const tokenizerJsonSchema = z.looseObject({
  added_tokens: z.array(addedTokenSchema).default([]),
  normalizer: typed.nullish(),
  pre_tokenizer: typed.nullish(),
  decoder: typed.nullish(),
  model: z.looseObject({
    type: z.string().optional(),
    /** Tokens with their ids, or in order of id with their scores. */
    vocab: z.custom<Vocab>(isVocab, "need tokens with their ids from 0, or with their scores"),
    merges: z.custom<readonly Merge[]>(Array.isArray, "need a list").superRefine(
      (merges, { addIssue }) => {
        const bad = merges.findIndex((merge) => !isMerge(merge));
        if (bad >= 0) addIssue({ code: "custom", path: [bad], message: "need two tokens" });
      },
    ).optional(),
  }),
});

/** A tokenizer.json. */
export type TokenizerJson = z.infer<typeof tokenizerJsonSchema>;
