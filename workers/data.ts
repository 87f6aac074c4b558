/** From a config to the tokens of a run, and the hash that holds a resume to the same text. */
import { hashValue, sha256 } from "../src/base/hash.ts";
import { rootKey } from "../src/base/random.ts";
import { Refusal } from "../src/base/refusal.ts";
import type { Checkpoint } from "../src/checkpoint/verify.ts";
import type { RunConfig } from "../src/config/schema.ts";
import { readText } from "../src/data/read.ts";
import { tokenizerSpecSchema } from "../src/data/schema.ts";
import { sourceOf, SOURCES, taskOf } from "../src/data/sources/mod.ts";
import { byteTokenizer, charTokenizer, tokenizerFrom } from "../src/data/tokenizer.ts";
import { split } from "../src/data/windows.ts";
import type { Corpus } from "./replica.ts";

/** What a run reads. */
export interface Data {
  readonly corpus: Corpus;
  /** SHA-256 of the text, or of what makes the tokens. */
  readonly hash: string;
}

/** Reads a run's data. On resume it must be what was trained on. @throws {Refusal} when unusable. */
export async function readData(config: RunConfig, from: Checkpoint | undefined): Promise<Data> {
  const data = await corpusOf(config, from);
  // Whether the text has room for windows or lanes is better known before anything starts.
  sourceOf(config.data, {
    ...data.corpus,
    key: rootKey(config.seed),
    microBatches: config.micro_batches,
    windows: config.windows,
    evalWindows: config.eval.windows,
  });
  return data;
}

async function corpusOf({ data }: RunConfig, from: Checkpoint | undefined): Promise<Data> {
  if (!SOURCES[data.source].needsText) {
    const none = new Uint32Array();
    const corpus = { train: none, validation: none, vocabulary: 0 };
    return { corpus, hash: hashValue({ source: data.source }) };
  }
  const text = await readText(data.path);
  const hash = sha256(new TextEncoder().encode(text));
  if (from !== undefined && from.manifest.dataHash !== hash) {
    throw new Refusal(
      "incompatible",
      `Cannot resume: the text (data.path) must be the one that was trained on: its SHA-256 is ` +
        `${hash}, the checkpoint's ${from.manifest.dataHash}`,
    );
  }
  const tokenizer = from !== undefined
    ? tokenizerFrom(tokenizerSpecSchema.parse(from.manifest.tokenizer))
    : data.tokenizer === "byte"
    ? byteTokenizer()
    : charTokenizer(text);
  const { time } = taskOf(data, tokenizer.size);
  const parts = split(tokenizer.encode(text), { ...data, window: time });
  return { corpus: { ...parts, vocabulary: tokenizer.size, tokenizer }, hash };
}
