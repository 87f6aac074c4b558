/** Tokens that are added to a tokenizer: ids behind all others, no text, and their files. */
import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../../src/base/user_error.ts";
import { charTokenizer } from "../../../src/data/tokenizers/char.ts";
import { toHuggingFace } from "../../../src/data/tokenizers/huggingface.ts";
import { tokenizerFrom, tokenizerHash } from "../../../src/data/tokenizers/mod.ts";
import {
  MASK_TOKEN,
  withoutSpecialTokens,
  withSpecialTokens,
} from "../../../src/data/tokenizers/special/special.ts";

const base = () => charTokenizer("[MASK]abc");

Deno.test("added tokens follow all ids, and no text encodes to them", () => {
  const plain = base();
  const tokenizer = withSpecialTokens(plain, [MASK_TOKEN, "[END]"]);
  assertEquals(tokenizer.size, plain.size + 2);
  assertEquals([tokenizer.special?.(MASK_TOKEN), tokenizer.special?.("[END]")], [
    plain.size,
    plain.size + 1,
  ]);
  assertEquals(tokenizer.special?.("[PAD]"), undefined);
  assertEquals(tokenizer.encode("[MASK]"), plain.encode("[MASK]"));
  assertEquals(tokenizer.decode([...plain.encode("ab"), plain.size, ...plain.encode("c")]), "abc");
  assertThrows(() => tokenizer.decode([plain.size + 2]), RangeError);
  assertEquals(withoutSpecialTokens(tokenizer), plain);
  assertEquals(withoutSpecialTokens(plain), plain);
});

Deno.test("tokens that are there already are not added again", () => {
  const tokenizer = withSpecialTokens(base(), [MASK_TOKEN]);
  assertEquals(withSpecialTokens(tokenizer, [MASK_TOKEN]), tokenizer);
  const more = withSpecialTokens(tokenizer, [MASK_TOKEN, "[END]"]);
  assertEquals(tokenizerHash(more), tokenizerHash(tokenizerFrom(more.toJSON())));
  assertEquals(more.special?.(MASK_TOKEN), tokenizer.special?.(MASK_TOKEN));
  const spec = { kind: "special", base: { kind: "char", chars: "ab" } } as const;
  assertThrows(() => tokenizerFrom({ ...spec, tokens: ["[A]", "[A]"] }), UserError, "[A]");
});

Deno.test("the files for Python name them as special tokens", () => {
  const tokenizer = withSpecialTokens(base(), [MASK_TOKEN]);
  const files = toHuggingFace(tokenizer);
  const { added_tokens } = files["tokenizer.json"] as {
    added_tokens: { id: number; content: string; special: boolean }[];
  };
  assertEquals(
    added_tokens.map(({ id, content, special }) => [id, content, special]),
    [[tokenizer.size - 1, MASK_TOKEN, true]],
  );
  assertEquals(files["tokenizer_config.json"]["mask_token"], MASK_TOKEN);
});
