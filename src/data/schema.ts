/** What a run says about its data. Knows neither files nor models. */
import * as z from "zod";

/** The `data` part of a config: which text, how it becomes tokens, how windows are cut. */
export const dataSchema = z.strictObject({
  source: z.enum(["text", "recall", "truecase", "direction"]).default("text")
    .describe(
      "What is learnt: text asks for the next token, truecase which characters were capitals, " +
        "direction whether a window of text was reversed, recall for the name that a made-up " +
        "window began with",
    ),
  path: z.string().min(1).nullable().default(null)
    .describe("Text file in UTF-8; null takes the default text, Moby Dick"),
  tokenizer: z.enum(["char", "byte"]).default("char")
    .describe("What one token is: a character of the text or a byte of its UTF-8"),
  window: z.int().min(1).default(64)
    .describe("Window length T in tokens: what the model sees at once"),
  stride: z.int().min(1).default(64)
    .describe(
      "Tokens between the starts of neighbouring training windows; below window they overlap",
    ),
  bptt: z.int().min(1).nullable().default(null)
    .describe(
      "Tokens per step of truncated BPTT: the text is read in micro_batches x windows lanes and " +
        "states are carried; null draws shuffled windows",
    ),
  document_end: z.string().min(1).nullable().default(null)
    .describe("Text that ends a document: carried states begin anew behind it; needs bptt"),
  gap: z.int().min(0).default(30)
    .describe("Tokens between the name and the question of source recall"),
  names: z.int().min(2).default(8).describe("Distinct names of source recall"),
  fillers: z.int().min(1).default(8).describe("Distinct tokens that fill the gap of source recall"),
  validation: z.number().gt(0).max(0.5).default(0.1)
    .describe("Fraction of the tokens, at the end of the text, that is kept for evaluation"),
});

/** A complete `data` part. */
export type DataConfig = z.infer<typeof dataSchema>;

/** A tokenizer as a plain value: checkpoints hold it, `tokenizerFrom` revives it. */
export const tokenizerSpecSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("char"),
    /** The known characters in order of code point: a character's place is its token. */
    chars: z.string().min(1),
  }),
  z.strictObject({ kind: z.literal("byte") }),
]);

/** A tokenizer as a plain value. */
export type TokenizerSpec = z.infer<typeof tokenizerSpecSchema>;
