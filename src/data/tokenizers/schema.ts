/** The shape of a tokenizer.json, as far as it is read here. Knows not what its parts mean. */
import * as z from "zod";

const typed = z.looseObject({ type: z.string() });

/** A token that is no part of the model. */
const addedTokenSchema = z.looseObject({
  id: z.int().min(0),
  content: z.string().min(1),
  /** Whether it stands for something that is no text. */
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
    vocab: z.union([
      z.record(z.string(), z.int().min(0)),
      z.array(z.tuple([z.string(), z.number()])),
    ]),
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])).optional(),
  }),
});

/** A tokenizer.json. */
export type TokenizerJson = z.infer<typeof tokenizerJsonSchema>;
