/** The registry of tokenizers: a new one is a file of its own and a line here. */
import { hashValue } from "../../base/hash.ts";
import type { TokenizerSpec } from "../schema.ts";
import { bpeTokenizerOf } from "./bpe/bpe.ts";
import { byteTokenizer } from "./byte.ts";
import { charTokenizerOf } from "./char.ts";
import { canonicalTokenizer } from "./canonical.ts";
import { gpt2Tokenizer } from "./bpe/gpt2.ts";
import { readTokenizerJson } from "./tokenizer_json.ts";
import { sidesTokenizerOf } from "./sides/sides.ts";
import { specialTokenizerOf } from "./special/special.ts";
import type { Tokenizer } from "./types.ts";
import { userTokenizerOf } from "./user/user.ts";
import { wordTokenizerOf } from "./word.ts";

/** The tokenizer of a spec. @throws {UserError} `data` for an invalid spec. */
export function tokenizerFrom(spec: TokenizerSpec): Tokenizer {
  switch (spec.kind) {
    case "char":
      return charTokenizerOf(spec);
    case "byte":
      return byteTokenizer(spec);
    case "word":
      return wordTokenizerOf(spec);
    case "gpt2":
      return gpt2Tokenizer();
    case "bpe":
      return bpeTokenizerOf(spec);
    case "user":
      return userTokenizerOf(spec);
    case "sides":
      return sidesTokenizerOf(spec, tokenizerFrom);
    case "special":
      return specialTokenizerOf(spec, tokenizerFrom(spec.base));
  }
}

/** SHA-256 (hex) of a tokenizer: equal hashes mean equal ids for every text. */
export function tokenizerHash(tokenizer: Tokenizer): string {
  const spec = tokenizer.toJSON();
  if (spec.kind === "special") {
    const base = tokenizerHash(tokenizerFrom(spec.base));
    return hashValue({ kind: spec.kind, base, tokens: spec.tokens });
  }
  if (spec.kind !== "bpe") return hashValue(spec);
  return hashValue({
    kind: spec.kind,
    tokenizer: canonicalTokenizer(readTokenizerJson(spec.tokenizer)),
  });
}
