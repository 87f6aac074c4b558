/** The tokenizer of a tokenizer.json: our own encoder for byte-level BPE, else the library. */
import type { TokenizerSpec } from "../../schema.ts";
import { byteBpe } from "./byte_bpe.ts";
import { readByteLevel } from "./byte_level.ts";
import { libraryTokenizer } from "../library/library.ts";
import { endTokenOf, readTokenizerJson, unknownOf, vocabularySizeOf } from "../tokenizer_json.ts";
import type { Tokenizer } from "../types.ts";

/** @throws {UserError} `data` for an invalid or unsupported tokenizer.json. */
export function bpeTokenizerOf({ tokenizer }: TokenizerSpec & { kind: "bpe" }): Tokenizer {
  const json = readTokenizerJson(tokenizer);
  const size = vocabularySizeOf(json);
  const parts = readByteLevel(json);
  return {
    kind: "bpe",
    size,
    end: endTokenOf(json)?.id,
    ...parts === undefined
      ? { ...libraryTokenizer(json), unknown: unknownOf(json) }
      : { ...byteBpe(() => parts, size), unknown: undefined },
    special: (name) =>
      json.added_tokens.find(({ special, content }) => special && content === name)?.id,
    toJSON: () => ({ kind: "bpe", tokenizer }),
  };
}
