/** Schemas of the `data` part of a config and of stored tokenizers. */
import * as z from "zod";
import { MAX_UNKNOWN } from "./unknown.ts";

/** A name of a tokenizer. */
const TOKENIZER = "char|byte|word(:\\d+)?|gpt2|bpe:\\d+|[^|]+\\.(json|m?[jt]s)";

/** The `data` part of a config: text, tokenizer, windows. */
export const dataSchema = z.strictObject({
  source: z.enum(["text", "recall", "truecase", "direction", "masked", "pairs", "images"]).default(
    "text",
  )
    .describe(
      "What is learnt: text asks for the next token, truecase which characters were capitals, " +
        "direction whether a window of text was reversed, recall for the name that a made-up " +
        "window began with, masked for tokens that are hidden, pairs for the target of a source, " +
        "images what each one shows",
    ),
  path: z.string().min(1).nullable().default(null)
    .describe(
      "Text file in UTF-8, or a folder that prepare made; null takes the default text, Moby Dick. " +
        "For source images a folder of IDX files; null takes MNIST",
    ),
  mix: z.record(z.string().min(1), z.number().gt(0)).nullable().default(null)
    .describe("Prepared folders and their weights, in place of path; windows are drawn by weight"),
  tokenizer: z.string().regex(new RegExp(`^(${TOKENIZER})(\\|(${TOKENIZER}))?$`), {
    error: "need char, byte, word, word:N, gpt2, bpe:N or the path of a tokenizer.json",
  }).nullable().default(null)
    .describe(
      "What a token is: char, byte, word:N, gpt2, bpe:N, a tokenizer.json, or a module of yours; " +
        "for the sides of pairs two, as char|word; " +
        "null takes what a prepared folder or init has, and char for a text file",
    ),
  seq_len: z.int().min(1).default(64)
    .describe("Sequence length T in tokens: the window that the model sees at once"),
  stride: z.int().min(1).nullable().default(null)
    .describe(
      "Tokens between the starts of neighbouring training windows: below seq_len they overlap; " +
        "null takes seq_len",
    ),
  bptt: z.int().min(1).nullable().default(null)
    .describe(
      "Tokens per step of truncated BPTT: the text is read in micro_batches x micro_batch_size " +
        "lanes and states are carried; null draws shuffled windows",
    ),
  document_end: z.string().min(1).nullable().default(null)
    .describe(
      "Text that ends a document, or <|endoftext|> for the token that does; \\n, \\r, \\t and \\\\ are " +
        "one character each. Carried states begin anew behind it; needs bptt or document_mask",
    ),
  document_mask: z.boolean().default(false)
    .describe("Whether attention stays inside a document; needs document_end"),
  max_unknown: z.number().min(0).max(1).default(MAX_UNKNOWN)
    .describe("Largest part of a text file's tokens that may be unknown to the tokenizer"),
  gap: z.int().min(0).default(30)
    .describe("Tokens between the name and the question of source recall"),
  names: z.int().min(2).default(8).describe("Distinct names of source recall"),
  fillers: z.int().min(1).default(8).describe("Distinct tokens that fill the gap of source recall"),
  mask_share: z.number().gt(0).lt(1).default(0.15)
    .describe("Part of the tokens of a window that source masked asks for"),
  image_height: z.int().min(1).default(28).describe("Height H of the images of source images"),
  image_width: z.int().min(1).default(28).describe("Width W of the images of source images"),
  image_classes: z.int().min(2).max(256).default(10)
    .describe("Distinct labels of source images, numbered from 0"),
  validation: z.number().gt(0).max(0.5).default(0.1)
    .describe("Fraction of the tokens, at the end of the text, that is kept for evaluation"),
});

/** A complete `data` part. */
export type DataConfig = z.infer<typeof dataSchema>;

/** A tokenizer as a plain value. */
export type TokenizerSpec =
  | PlainTokenizerSpec
  /** Another one, with more tokens that no text encodes to. */
  | { readonly kind: "special"; readonly base: PlainTokenizerSpec; readonly tokens: string[] };

/** A tokenizer without added tokens. */
export type PlainTokenizerSpec =
  | SideSpec
  /** For the sources and the targets of pairs. */
  | { readonly kind: "sides"; readonly source: SideSpec; readonly target: SideSpec }
  /** Of a module of the user, by its SHA-256, and what it learnt from the text. */
  | { readonly kind: "user"; readonly sha256: string; readonly learnt?: unknown };

/** A tokenizer of one kind of tokens. */
export type SideSpec =
  | { readonly kind: "char"; readonly chars: string; readonly end?: true | undefined }
  | { readonly kind: "byte"; readonly end?: true | undefined }
  | { readonly kind: "word"; readonly words: string[] }
  | { readonly kind: "gpt2" }
  | { readonly kind: "bpe"; readonly tokenizer: Record<string, unknown> };

const sideSpecs = [
  z.strictObject({
    kind: z.literal("char"),
    /** The characters in order of code point: the index is the token id. */
    chars: z.string().min(1),
    /** Whether one more token ends documents. */
    end: z.literal(true).optional(),
  }),
  z.strictObject({ kind: z.literal("byte"), end: z.literal(true).optional() }),
  z.strictObject({
    kind: z.literal("word"),
    /** Words in order of id, after the tokens of unknown words and line ends. */
    words: z.array(z.string().min(1)),
  }),
  z.strictObject({ kind: z.literal("gpt2") }),
  z.strictObject({
    kind: z.literal("bpe"),
    /** A Hugging Face tokenizer.json, reduced to what encoding and decoding need. */
    tokenizer: z.record(z.string(), z.unknown()),
  }),
] as const;

const sideSpecSchema = z.discriminatedUnion("kind", sideSpecs);

const plainSpecs = [
  ...sideSpecs,
  z.strictObject({
    kind: z.literal("sides"),
    source: sideSpecSchema,
    target: sideSpecSchema,
  }),
  z.strictObject({
    kind: z.literal("user"),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    learnt: z.unknown(),
  }),
] as const;

const plainSpecSchema = z.discriminatedUnion("kind", plainSpecs);

/** A tokenizer as a plain value, as in checkpoints; `tokenizerFrom` restores it. */
export const tokenizerSpecSchema: z.ZodType<TokenizerSpec> = z.discriminatedUnion("kind", [
  ...plainSpecs,
  z.strictObject({
    kind: z.literal("special"),
    base: plainSpecSchema,
    /** Names in order of id, behind the ids of the base. */
    tokens: z.array(z.string().regex(/^[!-~]+$/)).min(1),
  }),
]);
