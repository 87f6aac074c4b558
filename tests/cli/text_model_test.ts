/** Models that cannot continue a text are refused by what they lack. */
import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { promptTokens, textTokenizer } from "../../src/artifacts/text_model.ts";
import { byteTokenizer } from "../../src/data/tokenizers/byte.ts";
import { charTokenizer } from "../../src/data/tokenizers/char.ts";
import { modelSchema } from "../../src/models/mod.ts";

const TOKENIZER = byteTokenizer();
const GOOD = {
  path: "runs/a",
  model: modelSchema.parse({ kind: "recurrent" }),
  targetKind: "next_token",
  tokenizer: TOKENIZER,
  classes: 256,
  vocabulary: 256,
} as const;

Deno.test("textTokenizer() gives the tokenizer of a model of the next token", () => {
  assertEquals(textTokenizer(GOOD), TOKENIZER);
  const filledUp = { ...GOOD, classes: 320, vocabulary: 320 };
  assertEquals(textTokenizer(filledUp), TOKENIZER);
});

Deno.test("textTokenizer() refuses any other model and says why", () => {
  const both = modelSchema.parse({ kind: "recurrent", bidirectional: true });
  for (
    const [change, says] of [
      [{ tokenizer: undefined }, "need a model of text: it has no tokenizer"],
      [
        { targetKind: "token_class", classes: 2 },
        "need a model of the next token: it tells 2 classes apart",
      ],
      [
        { targetKind: "sequence_class" },
        "need a model of the next token: it tells 256 classes apart",
      ],
      [{ model: both }, "need a model that reads forward only: it is bidirectional"],
      [
        { classes: 100, vocabulary: 100 },
        "need a logit for each token: 256 tokens, 100 logits",
      ],
    ] as const
  ) {
    const refusal = assertThrows(() => textTokenizer({ ...GOOD, ...change }), UserError);
    assertEquals(
      [refusal.exit, refusal.message],
      ["config", `Cannot generate from runs/a: ${says}`],
    );
  }
});

Deno.test("firstTokens() begins behind the end token where the prompt is empty", () => {
  assertEquals(promptTokens("ab", TOKENIZER), Uint32Array.of(97, 98));
  assertEquals(promptTokens("", byteTokenizer({ end: true })), Uint32Array.of(256));
  assertEquals(promptTokens("a", byteTokenizer({ end: true })), Uint32Array.of(97));
});

Deno.test("firstTokens() refuses to begin with nothing, or with what is no token", () => {
  const empty = assertThrows(() => promptTokens("", TOKENIZER), UserError);
  assertEquals([empty.exit, empty.message.split(":").at(-1)], ["config", " the prompt is empty"]);
  assertThrows(() => promptTokens("aé", charTokenizer("abc")), UserError, '"é" (U+00E9)');
});
