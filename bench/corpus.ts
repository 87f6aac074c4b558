/** The tokens of a config's text, as a run has them. */
import type { RunConfig } from "../src/config/schema.ts";
import { readText } from "../src/data/read.ts";
import { byteTokenizer } from "../src/data/tokenizers/byte.ts";
import { charTokenizer } from "../src/data/tokenizers/char.ts";
import { split } from "../src/data/windows.ts";
import { type Corpus, corpusIn } from "../src/corpus/corpus.ts";

/** Reads and tokenizes. @throws {UserError} when the text cannot be read or is too short. */
export async function corpusOf({ data }: RunConfig): Promise<Corpus> {
  const text = await readText(data.path);
  const tokenizer = data.tokenizer === "byte" ? byteTokenizer() : charTokenizer(text);
  return corpusIn({ ...split(tokenizer.encode(text), data), vocabulary: tokenizer.size });
}
