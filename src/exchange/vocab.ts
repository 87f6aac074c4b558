/** Converts GPT-2's older tokenizer files, vocab.json and merges.txt, to tokenizer.json. Pure. */
import { UserError } from "../base/user_error.ts";
import { byteLevelJson } from "../data/tokenizers/bpe/byte_level.ts";
import { END_TEXT } from "../data/tokenizers/types.ts";

/** Contents of the two files, and their folder. */
export interface VocabFiles {
  readonly vocab: unknown;
  readonly merges: string;
  /** The folder, for errors. */
  readonly path: string;
}

/** A tokenizer.json of byte-level BPE. @throws {UserError} `data` for invalid files. */
export function tokenizerJsonOf({ vocab, merges, path }: VocabFiles): Record<string, unknown> {
  if (!isVocab(vocab)) {
    throw new UserError("data", `Cannot import ${path}/vocab.json: need a number for each token`);
  }
  return byteLevelJson({ vocab, merges: mergesIn(merges, path), end: vocab[END_TEXT] });
}

function isVocab(value: unknown): value is Record<string, number> {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.values(value).every((id) => Number.isSafeInteger(id) && id >= 0);
}

/** Merges in order of rank, without a `#version` line. */
function mergesIn(text: string, path: string): [string, string][] {
  const lines = text.split("\n").map((line) => line.replace(/\r$/, ""));
  return lines.flatMap((line, i): [string, string][] => {
    if (line === "" || (i === 0 && line.startsWith("#version"))) return [];
    const [left, right, ...more] = line.split(" ");
    if (left && right && more.length === 0) return [[left, right]];
    throw new UserError(
      "data",
      `Cannot import ${path}/merges.txt: need two tokens and a space at line ${i + 1}: ${line}`,
    );
  });
}
